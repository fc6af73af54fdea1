//! The binaries together with what an installation consists of besides them: a browser, nginx, a service manager,
//! VMS's own scripts, other users of the machine, and the files of the package. A test whose program or right is missing
//! says so and passes.

mod backup;
mod browser;
mod nginx;
mod packaging;
mod service_manager;
mod shims;
mod two_users;

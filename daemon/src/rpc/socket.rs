//! The socket in the file system: its permissions decide who may connect.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _, lchown,
};
use std::path::{Path, PathBuf};

use interprocess::local_socket::tokio::Listener;
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName as _};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use interprocess::os::unix::uds_local_socket::tokio::Listener as UnixListener;
use tokio::net::UnixStream;
use tracing::warn;

use super::Inherited;
use crate::accounts::Accounts;
use crate::plain_file::FileId;
use crate::state::StateLock;

/// Owner and group may connect.
const SOCKET_MODE: u32 = 0o660;
const DIRECTORY_MODE: u32 = 0o750;

/// Why the control socket cannot be served.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum BindError {
    /// The directory of the socket is missing and cannot be created.
    #[error("cannot create {} for the control socket; create it, or set socket.path", .path.display())]
    Directory { path: PathBuf, source: io::Error },
    /// A file that is not a socket exists at the path.
    #[error("{} is not a socket and is left unchanged; move it away, or set socket.path", .path.display())]
    NotASocket { path: PathBuf },
    /// Another process serves the socket.
    #[error(
        "another daemon answers on {}; stop it first, or give this one a socket.path of its own",
        .path.display()
    )]
    InUse { path: PathBuf },
    /// The system refuses to listen.
    #[error("cannot listen on {}; check the rights of its directory, or set socket.path", .path.display())]
    Refused { path: PathBuf, source: io::Error },
    /// A socket that the service manager passed has lost its file.
    #[error(
        "only the service manager can create {} again; `systemctl restart cached.socket`, then `systemctl restart \
         cached`",
        .path.display()
    )]
    Passed { path: PathBuf },
}

/// The listening socket. Dropping it removes its file, unless the service manager passed the socket.
#[derive(Debug)]
pub struct Bound {
    pub(super) listener: Listener,
    path: PathBuf,
    own_uid: u32,
    /// Its file; none if it has no file that this process can see.
    file: Option<FileId>,
    /// Who may connect to a socket of the daemon's own; none for one that the service manager passed.
    group: Option<String>,
}

impl Bound {
    /// The user that the daemon runs as, who owns the files it creates.
    pub fn own_uid(&self) -> u32 {
        self.own_uid
    }

    /// The path at which clients connect.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path no longer leads here: no client can connect, although the socket still listens.
    pub(super) fn is_lost(&self) -> bool {
        self.file.is_some() && self.file != FileId::at_link(&self.path).ok()
    }

    /// Stops listening. Removes the file, unless it belongs to another socket by now.
    pub(super) fn close(mut self) {
        if self.is_lost() {
            self.listener.do_not_reclaim_name_on_drop();
        }
    }

    /// Listens at the path again. A socket that the service manager passed is created by it alone.
    pub(super) async fn restore(&mut self, held: &StateLock) -> Result<(), BindError> {
        // The file at the path belongs to another socket now, or soon will.
        self.listener.do_not_reclaim_name_on_drop();
        let Some(group) = &self.group else { return Err(BindError::Passed { path: self.path.clone() }) };
        *self = bind(&self.path, group, held).await?;
        Ok(())
    }
}

/// Listens on the socket that was passed, or else at `path`.
pub async fn open(
    inherited: Option<Inherited>,
    path: &Path,
    group: &str,
    held: &StateLock,
) -> Result<Bound, BindError> {
    match inherited {
        Some(inherited) => adopt(inherited, path),
        None => bind(path, group, held).await,
    }
}

/// Serves a socket created by the service manager: its file and permissions stay unchanged.
fn adopt(inherited: Inherited, configured: &Path) -> Result<Bound, BindError> {
    let path = inherited.path().unwrap_or_else(|| configured.to_owned());
    let listener = UnixListener::try_from(OwnedFd::from(inherited.into_listener()))
        .map_err(|source| BindError::Refused { path: path.clone(), source })?;
    let (listener, file) = (Listener::UdSocket(listener), FileId::at_link(&path).ok());
    Ok(Bound { listener, path, own_uid: rustix::process::geteuid().as_raw(), file, group: None })
}

/// Listens at `path`. Two daemons must not take each other's socket for a dead one, so only the holder of the
/// state lock may call this.
pub async fn bind(path: &Path, group: &str, _held: &StateLock) -> Result<Bound, BindError> {
    let gid = Accounts::local().group_named(group).map(|group| group.gid);
    if let Some(directory) = path.parent() {
        prepare(directory, gid)?;
    }
    clear(path).await?;
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    let name = path.to_fs_name::<GenericFilePath>().map_err(refused)?;
    let listener = ListenerOptions::new().name(name).mode(SOCKET_MODE).create_tokio().map_err(refused)?;
    hand_over(path, gid, SOCKET_MODE).map_err(refused)?;
    let found = fs::symlink_metadata(path).map_err(refused)?;
    let (own_uid, file) = (found.uid(), Some(FileId::of(&found)));
    Ok(Bound { listener, path: path.to_owned(), own_uid, file, group: Some(group.to_owned()) })
}

/// Creates the directory; an existing one belongs to the operator and stays unchanged.
fn prepare(directory: &Path, gid: Option<u32>) -> Result<(), BindError> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .and_then(|()| hand_over(directory, gid, DIRECTORY_MODE))
        .map_err(|source| BindError::Directory { path: directory.to_owned(), source })
}

/// Removes the socket left by a daemon that was killed, and nothing else.
async fn clear(path: &Path) -> Result<(), BindError> {
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BindError::NotASocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(refused)
        }
        // A full backlog, too: a process is listening, and busy.
        Ok(_) => Err(BindError::InUse { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(BindError::InUse { path: path.to_owned() })
        }
        Err(error) => Err(refused(error)),
    }
}

/// Gives a path just created by the daemon to the group, if it exists: without a group, only the daemon's own
/// user and root may connect. The mode is set explicitly, because the umask was applied when the path was
/// created.
fn hand_over(path: &Path, gid: Option<u32>, mode: u32) -> io::Result<()> {
    if let Some(gid) = gid
        && fs::symlink_metadata(path)?.gid() != gid
        && let Err(error) = lchown(path, None, Some(gid))
    {
        warn!(
            "{} cannot be given to group {gid} of socket.write_group: {error}; make the daemon's user a member \
             of it",
            path.display()
        );
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

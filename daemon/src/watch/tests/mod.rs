//! Which changes are detected and how they are handled, with real databases and a manual clock.

mod again;
mod debounce;
mod held;
mod left_to_vms;
mod pause;
mod rows;
mod second;
mod source;
mod world;

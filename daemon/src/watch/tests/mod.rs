//! What is noticed, and what is made of it, on real databases and a clock that stands still.

mod again;
mod debounce;
mod held;
mod pause;
mod rows;
mod source;
mod world;

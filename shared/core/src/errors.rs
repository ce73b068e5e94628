//! What every error of ours says of itself: its kind, its class, its cause; and how its text is cut for logs.
//!
//! - `class`: what is to be done: retry, wait, ask an operator, ignore
//! - `fault`: the trait that gives kind and class
//! - `text`: an error's text, cut

pub mod class;
pub mod fault;
pub mod text;

//! What every error of ours says of itself: its kind, its class, its cause; and how its text is cut for logs.

pub mod class;
pub mod fault;
pub mod text;

//! Some who are at work at once. They are futures on one thread; at each call of one the seed decides who goes on. So a
//! history is always played in the same way, and whoever dies is a future that is dropped.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::dice::Dice;
use crate::world::Line;

/// Somebody who is at work.
pub struct Task<T> {
    pub line: Arc<Line>,
    pub work: Pin<Box<dyn Future<Output = T>>>,
}

/// Lets all of them work in turns until each has ended or died. Gives what each came to, in their order: nothing of those
/// that died.
pub fn take_turns<T>(tasks: Vec<Task<T>>, mut pace: Dice) -> Vec<Option<T>> {
    let mut outcomes: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    let mut alive: Vec<(usize, Task<T>)> = tasks.into_iter().enumerate().collect();
    let mut context = Context::from_waker(Waker::noop());
    while !alive.is_empty() {
        let next = pace.count(alive.len());
        let (place, task) = &mut alive[next];
        match task.work.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => {
                outcomes[*place] = Some(outcome);
                alive.swap_remove(next);
            }
            Poll::Pending if task.line.is_dead() => drop(alive.swap_remove(next)),
            Poll::Pending => {}
        }
    }
    outcomes
}

//! The turns of a session whose replies leave in the order of its requests.
//!
//! A call that has to wait takes a [`Turn`]; everything behind it, be it ready, refused or answered by the session
//! itself, takes the next one and is held until it is the front. Calls are held unwritten: their replies are encoded in
//! the order they are sent, and a stream goes no further than its next item. How many turns there may be is the
//! session's `max_in_flight`; what they hold encoded counts for its `max_output_bytes`.

use bytes::BytesMut;
use std::collections::VecDeque;

/// What the turn of one request holds.
pub(super) enum Turn<C> {
    /// Its call runs, in the set of the calls in flight.
    Running,
    /// Its call has something to write.
    Ready(C),
    /// Its whole answer.
    Answer(BytesMut),
}

/// The turns that are not over. Holds no memory while there are none.
pub(super) struct Turns<C>(Option<Box<Queue<C>>>);

struct Queue<C> {
    turns: VecDeque<Turn<C>>,
    /// The number of the front.
    first: u64,
    /// Bytes of the answers.
    held: usize,
}

impl<C> Turns<C> {
    pub(super) fn new() -> Self {
        Self(None)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.turns.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of answers that wait for their turn.
    pub(super) fn held(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.held)
    }

    /// Gives the last turn to a call that runs: its number.
    pub(super) fn run(&mut self) -> u64 {
        let queue = self.queue();
        queue.turns.push_back(Turn::Running);
        queue.first + queue.turns.len() as u64 - 1
    }

    /// Gives the last turn to an answer that is there.
    pub(super) fn hold(&mut self, answer: BytesMut) {
        let queue = self.queue();
        queue.held += answer.len();
        queue.turns.push_back(Turn::Answer(answer));
    }

    /// The call whose turn has that number has something to write.
    pub(super) fn ready(&mut self, turn: u64, call: C) {
        let queue = self.queue();
        let at = turn.checked_sub(queue.first).and_then(|at| usize::try_from(at).ok());
        if let Some(turn) = at.and_then(|at| queue.turns.get_mut(at)) {
            *turn = Turn::Ready(call);
        }
    }

    /// Takes the front, unless its call runs.
    pub(super) fn next(&mut self) -> Option<Turn<C>> {
        let queue = self.0.as_mut()?;
        if matches!(queue.turns.front(), Some(Turn::Running)) {
            return None;
        }
        let turn = queue.turns.pop_front();
        match &turn {
            Some(Turn::Answer(answer)) => queue.held -= answer.len(),
            Some(_) => {}
            None => self.0 = None,
        }
        if let Some(queue) = &mut self.0 {
            queue.first += 1;
        }
        turn
    }

    /// The front that was taken last has more to say: its call runs on.
    pub(super) fn run_on(&mut self) {
        let queue = self.queue();
        queue.first -= 1;
        queue.turns.push_front(Turn::Running);
    }

    fn queue(&mut self) -> &mut Queue<C> {
        // From 1 on, so that there is always one before the front.
        self.0.get_or_insert_with(|| Box::new(Queue { turns: VecDeque::new(), first: 1, held: 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The front as text, `-` while it runs or there is none.
    fn front(turns: &mut Turns<&'static str>) -> String {
        match turns.next() {
            None => "-".to_owned(),
            Some(Turn::Ready(call)) => call.to_owned(),
            Some(Turn::Answer(answer)) => answer.escape_ascii().to_string(),
            Some(Turn::Running) => panic!("it runs"),
        }
    }

    #[test]
    fn each_waits_for_those_before_it() {
        let mut turns = Turns::new();
        let (a, b) = (turns.run(), turns.run());
        turns.hold(BytesMut::from("pong"));
        let c = turns.run();
        assert_eq!((turns.len(), turns.held(), front(&mut turns).as_str()), (4, 4, "-"));
        turns.ready(c, "c");
        turns.ready(b, "b");
        assert_eq!(front(&mut turns), "-");
        turns.ready(a, "a1");
        assert_eq!(front(&mut turns), "a1");
        // A stream: its turn is not over.
        turns.run_on();
        assert_eq!((turns.len(), front(&mut turns).as_str()), (4, "-"));
        turns.ready(a, "a2");
        let rest: Vec<String> = (0..6).map(|_| front(&mut turns)).collect();
        assert_eq!(rest, ["a2", "b", "pong", "c", "-", "-"]);
        assert!(turns.is_empty() && turns.held() == 0);
        assert_eq!(turns.run(), 1, "nothing is left of those before");
    }
}

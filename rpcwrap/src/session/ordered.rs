//! The places of the replies of a session that leave in the order of its requests.
//!
//! A call that has to wait takes a [`NextReply`]; everything behind it, be it ready, refused or answered by the session
//! itself, takes the next one and is held until it is the front. Calls are held unwritten: their replies are encoded in
//! the order they are sent, and a stream goes no further than its next item. How many places there may be is the
//! session's `max_in_flight`; what they hold encoded counts for its `max_output_bytes`.

use bytes::BytesMut;
use std::collections::VecDeque;

/// What the place of one request holds.
pub(super) enum NextReply<C> {
    /// Its call runs, in the set of the calls in flight.
    Running,
    /// Its call has something to write.
    Ready(C),
    /// Its whole answer.
    Answer(BytesMut),
}

/// The places that are not over. Holds no memory while there are none.
pub(super) struct ReplyOrder<C>(Option<Box<Queue<C>>>);

struct Queue<C> {
    replies: VecDeque<NextReply<C>>,
    /// The number of the front.
    first: u64,
    /// Bytes of the answers.
    held: usize,
}

impl<C> ReplyOrder<C> {
    pub(super) fn new() -> Self {
        Self(None)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.replies.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of answers that wait for their place.
    pub(super) fn held(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.held)
    }

    /// Gives the last place to a call that runs: its number.
    pub(super) fn run(&mut self) -> u64 {
        let queue = self.queue();
        queue.replies.push_back(NextReply::Running);
        queue.first + queue.replies.len() as u64 - 1
    }

    /// Gives the last place to an answer that is there.
    pub(super) fn hold(&mut self, answer: BytesMut) {
        let queue = self.queue();
        queue.held += answer.len();
        queue.replies.push_back(NextReply::Answer(answer));
    }

    /// The call whose place has that number has something to write.
    pub(super) fn ready(&mut self, place: u64, call: C) {
        let queue = self.queue();
        let at = place.checked_sub(queue.first).and_then(|at| usize::try_from(at).ok());
        if let Some(place) = at.and_then(|at| queue.replies.get_mut(at)) {
            *place = NextReply::Ready(call);
        }
    }

    /// Takes the front, unless its call runs.
    pub(super) fn next(&mut self) -> Option<NextReply<C>> {
        let queue = self.0.as_mut()?;
        if matches!(queue.replies.front(), Some(NextReply::Running)) {
            return None;
        }
        let place = queue.replies.pop_front();
        match &place {
            Some(NextReply::Answer(answer)) => queue.held -= answer.len(),
            Some(_) => {}
            None => self.0 = None,
        }
        if let Some(queue) = &mut self.0 {
            queue.first += 1;
        }
        place
    }

    /// The front that was taken last has more to say: its call runs on.
    pub(super) fn run_on(&mut self) {
        let queue = self.queue();
        queue.first -= 1;
        queue.replies.push_front(NextReply::Running);
    }

    fn queue(&mut self) -> &mut Queue<C> {
        // From 1 on, so that there is always one before the front.
        self.0.get_or_insert_with(|| Box::new(Queue { replies: VecDeque::new(), first: 1, held: 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The front as text, `-` while it runs or there is none.
    fn front(replies: &mut ReplyOrder<&'static str>) -> String {
        match replies.next() {
            None => "-".to_owned(),
            Some(NextReply::Ready(call)) => call.to_owned(),
            Some(NextReply::Answer(answer)) => answer.escape_ascii().to_string(),
            Some(NextReply::Running) => panic!("it runs"),
        }
    }

    #[test]
    fn each_waits_for_those_before_it() {
        let mut places = ReplyOrder::new();
        let (a, b) = (places.run(), places.run());
        places.hold(BytesMut::from("pong"));
        let c = places.run();
        assert_eq!((places.len(), places.held(), front(&mut places).as_str()), (4, 4, "-"));
        places.ready(c, "c");
        places.ready(b, "b");
        assert_eq!(front(&mut places), "-");
        places.ready(a, "a1");
        assert_eq!(front(&mut places), "a1");
        // A stream: its place is not over.
        places.run_on();
        assert_eq!((places.len(), front(&mut places).as_str()), (4, "-"));
        places.ready(a, "a2");
        let rest: Vec<String> = (0..6).map(|_| front(&mut places)).collect();
        assert_eq!(rest, ["a2", "b", "pong", "c", "-", "-"]);
        assert!(places.is_empty() && places.held() == 0);
        assert_eq!(places.run(), 1, "nothing is left of those before");
    }
}

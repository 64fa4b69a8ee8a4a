//! What a session writes: the replies of calls that had to wait, and the answers it gives itself to requests that are
//! no calls.

use super::{Answer, BATCH, Control, Framing, Hold, Session, in_flight::SessionCall, ordered::NextReply};
use crate::{live::config::Config, method::running::Written};
use bytes::BytesMut;
use codecs::DecodeError;
use std::task::{Context, Poll};

impl<F: Framing> Session<F> {
    /// Lets waiting calls that are ready write their replies.
    pub(super) fn answer_ready(
        &mut self,
        cx: &mut Context<'_>,
        config: &Config,
        output: &mut BytesMut,
    ) -> bool {
        let mut answered = 0;
        while answered < BATCH && output.len() < config.max_output_bytes {
            match if F::ORDERED { self.order.next() } else { None } {
                Some(NextReply::Ready(waiting)) => self.answer(waiting, output),
                Some(NextReply::Answer(answer)) => output.extend_from_slice(&answer),
                Some(NextReply::Running) | None => {
                    let Poll::Ready(waiting) = self.in_flight.poll_ready(cx) else { break };
                    if F::ORDERED {
                        self.order.ready(waiting.place, waiting);
                        continue;
                    }
                    self.answer(waiting, output);
                }
            }
            answered += 1;
        }
        answered > 0
    }

    fn answer(&mut self, mut waiting: SessionCall<F::Head>, output: &mut BytesMut) {
        let SessionCall { head, call, .. } = &mut waiting;
        let held = call.held_bytes();
        match call.write(&mut self.framing.reply_to(head), output) {
            Written::Item | Written::Later => {
                if F::ORDERED {
                    self.order.run_on();
                }
                self.in_flight.push_back(waiting);
                return;
            }
            Written::Last(Ok(())) => {}
            Written::Last(Err(error)) => self.framing.fail(head, &error, output),
            Written::End => self.framing.end_stream(head, output),
        }
        self.waiting_bytes -= held;
    }

    /// Does what a request asks of the session itself; whether the next may be decoded at once.
    #[cold]
    pub(super) fn apply_control(
        &mut self,
        control: Control,
        request: &F::Request,
        output: &mut BytesMut,
    ) -> bool {
        match control {
            Control::Answer(answer) => self.write_answer(answer, output),
            Control::Wait(check) => {
                self.hold = Some(Hold::Answer(check));
                false
            }
            Control::Cancel(seq) => {
                let found = self.in_flight.cancel(seq);
                self.in_turn(output, |framing, out| framing.canceled(request, found, out));
                true
            }
        }
    }

    /// Gives the session's own answer; whether the requests behind it are the same caller's.
    pub(super) fn write_answer(&mut self, answer: Answer, output: &mut BytesMut) -> bool {
        let Answer { bytes, peer, close } = answer;
        self.in_turn(output, |_, out| out.extend_from_slice(&bytes));
        self.closing |= close;
        match peer {
            Some(peer) => {
                self.peer = peer;
                // Other limits may hold for it.
                self.generation = u64::MAX;
                false
            }
            None => true,
        }
    }

    /// Gives a peer whose bytes are no request the framing's last words, and decodes no more of them.
    #[cold]
    pub(super) fn stop_decoding(&mut self, error: &DecodeError, output: &mut BytesMut) {
        self.in_turn(output, |framing, out| framing.out_of_step(error, out));
        self.fault = Some(Box::new(error.clone().into()));
        self.closing = true;
    }

    /// Writes a whole answer when its turn comes, which is now unless an ordered session has others before it; how
    /// many bytes.
    pub(super) fn in_turn(
        &mut self,
        output: &mut BytesMut,
        write: impl FnOnce(&mut F, &mut BytesMut),
    ) -> usize {
        if F::ORDERED && !self.order.is_empty() {
            let mut held = BytesMut::new();
            write(&mut self.framing, &mut held);
            let written = held.len();
            self.order.hold(held);
            return written;
        }
        let before = output.len();
        write(&mut self.framing, output);
        output.len() - before
    }
}

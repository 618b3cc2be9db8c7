//! The two ends of a link as their owners hold them.

use crate::endpoint::{Endpoint, Ringer as EndpointRinger};
use crate::layout::RECORD_HEADER;
use crate::sys::SharedMemory;
use crate::wait::BusyPoll;
use coincide_proto::{FrameBytes, Gone, ProtocolError, ReceiveError, Session, Transmit, Transport};
use std::time::Duration;

macro_rules! end {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        pub struct $name {
            pub(crate) endpoint: Endpoint<SharedMemory>,
            /// What is dropped when the link is left, after the endpoint has said so.
            tie: Option<Tie>,
        }

        impl $name {
            pub(crate) fn new(endpoint: Endpoint<SharedMemory>, tie: Option<Tie>) -> Self {
                Self { endpoint, tie }
            }

            /// A handle by which other threads make this end's [`wait`](Transport::wait) return.
            pub fn ringer(&self) -> Ringer {
                Ringer(self.endpoint.ringer())
            }

            /// Sets how long [`wait`](Transport::wait) looks before it sleeps.
            pub fn set_busy_poll(&mut self, busy_poll: BusyPoll) {
                self.endpoint.set_busy_poll(busy_poll);
            }

            /// Gives the bytes of the next frame, if there is one, to `take`. `Ok(false)`: none is waiting. What
            /// [`receive`](Transport::receive) does, for those who have no session.
            ///
            /// # Errors
            /// As [`receive`](Transport::receive); an error of `take` ends the link for this end.
            pub fn receive_with(
                &mut self,
                take: impl FnOnce(&dyn FrameBytes) -> Result<(), ProtocolError>,
            ) -> Result<bool, ReceiveError> {
                self.endpoint.receive_with(|frame| take(frame))
            }
        }

        impl Transport for $name {
            fn max_frame(&self) -> usize {
                self.endpoint.max_frame()
            }

            fn frame_offset(&self) -> usize {
                RECORD_HEADER
            }

            /// # Panics
            /// If the frame is empty, or longer than [`max_frame`](Transport::max_frame).
            fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
                self.endpoint.send(frame)
            }

            fn receive(&mut self, session: &mut Session) -> Result<bool, ReceiveError> {
                self.endpoint.receive_with(|frame| session.handle_frame(frame))
            }

            fn has_input(&self) -> bool {
                self.endpoint.has_input()
            }

            fn has_room(&self) -> bool {
                self.endpoint.has_room()
            }

            fn arm(&mut self, room: bool) -> bool {
                self.endpoint.arm(room)
            }

            fn disarm(&mut self) {
                self.endpoint.disarm();
            }

            fn wait(&mut self, room: bool, timeout: Option<Duration>) {
                self.endpoint.wait(room, timeout);
            }

            fn close(&mut self) {
                self.endpoint.close();
                self.tie = None;
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

end! {
    /// Main's end of a link. It is woken by the [`Doorbell`](crate::Doorbell) that it was made with, which may serve other links too:
    /// [`wait`](Transport::wait) takes rings for those as well, so with several links arm them all and wait for the doorbell itself.
    ///
    /// Dropping it, or the thread's panic, leaves the link.
    MainTransport
}

end! {
    /// The worker's end of a link. It may block in [`wait`](Transport::wait).
    ///
    /// Dropping it, or the thread's panic, leaves the link.
    WorkerTransport
}

/// Makes an endpoint's [`wait`](Transport::wait) return, from any thread: to look at a flag that tells it to stop, say.
///
/// A ring while nobody waits is remembered for the next `wait`. It is not input: nothing is there to be received.
///
/// ```
/// use coincide_proto::Transport;
/// use coincide_transport_atomics::{Doorbell, Rings, pair};
///
/// let (_main, mut worker) = pair(Rings::default(), Doorbell::new()?);
/// let ringer = worker.ringer();
/// let thread = std::thread::spawn(move || worker.wait(false, None));
/// ringer.ring();
/// thread.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Ringer(EndpointRinger<SharedMemory>);

impl Ringer {
    /// Wakes the endpoint.
    pub fn ring(&self) {
        self.0.ring();
    }
}

impl std::fmt::Debug for Ringer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ringer").finish_non_exhaustive()
    }
}

/// Something to be dropped when a link is left.
pub(crate) type Tie = Box<dyn Send + Sync>;

//! The two ends of a link as transports.

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
            /// Dropped when the link is left, after the endpoint has announced it.
            tie: Option<Tie>,
        }

        impl $name {
            pub(crate) fn new(endpoint: Endpoint<SharedMemory>, tie: Option<Tie>) -> Self {
                Self { endpoint, tie }
            }

            /// Returns a handle by which other threads make this end's [`wait`](Transport::wait) return.
            pub fn ringer(&self) -> Ringer {
                Ringer(self.endpoint.ringer())
            }

            /// Sets how [`wait`](Transport::wait) polls before it parks. Default [`BusyPoll::worker`].
            pub fn set_busy_poll(&mut self, busy_poll: BusyPoll) {
                self.endpoint.set_busy_poll(busy_poll);
            }

            /// Passes the bytes of the next frame to `take`. Returns `Ok(false)` if no frame has arrived.
            ///
            /// The equivalent of [`receive`](Transport::receive) without a session.
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
    /// Main's end of a link, woken by the [`Doorbell`](crate::Doorbell) that it was created with.
    ///
    /// The doorbell may serve several links, and [`wait`](Transport::wait) clears rings of all of them. With several links, arm them all and wait for
    /// the doorbell itself.
    ///
    /// Dropping it leaves the link, also when the thread panics.
    MainTransport
}

end! {
    /// The worker's end of a link, which may block in [`wait`](Transport::wait).
    ///
    /// Dropping it leaves the link, also when the thread panics.
    WorkerTransport
}

/// Makes an endpoint's [`wait`](Transport::wait) return, from any thread; for example to check a stop flag.
///
/// A ring outside of a `wait` is remembered for the next one. It is not input: there is no frame to receive.
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

/// Resources that are dropped when a link is left.
pub(crate) type Tie = Box<dyn Send + Sync>;

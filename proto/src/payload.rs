//! Payloads: contiguous bytes, or a rope of a head and segments.

use crate::{HostedPart, HostedSegment};
use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// A range of a payload to be received into a separate buffer.
///
/// - With bytes: they lie outside of the head, and belong at the start of the range, which is empty.
/// - Without: they lie in the head, in this range. Only payloads that are sent have such segments.
pub type Segment = (Range<usize>, Option<Arc<Vec<u8>>>);

/// Maximum number of segments of a payload. If there are more, the session copies them into the head before it sends the payload.
pub const MAX_SEGMENTS: usize = 32;

/// The bytes of arguments, of a result or of an error.
///
/// Usually only a head, into which a `Vec<u8>` converts without a copy. Large ranges may be *segments*, which a session copies directly into
/// frames. The peer's session receives them into separate buffers if its [`Config::segments`](crate::Config::segments) is set. The bytes of a
/// payload are the same in both cases: those of the head with those of the segments inserted.
///
/// ```
/// use coincide_proto::Payload;
///
/// let segments = Some(Box::new(vec![(1..1, Some(b"b".to_vec().into()))]));
/// let payload = Payload { head: b"ac".to_vec(), segments, ..Payload::default() };
/// assert_eq!(payload.len(), 3);
/// assert_eq!(payload.into_bytes(), b"abc");
/// ```
#[derive(Clone, Default)]
pub struct Payload {
    /// The bytes between the segments; without segments, all bytes.
    pub head: Vec<u8>,
    /// Ascending ranges of the head that do not overlap. `None` is the same as an empty list.
    #[allow(clippy::box_collection, reason = "small payloads are moved more often than large ones are made")]
    pub segments: Option<Box<Vec<Segment>>>,
    /// Segments whose bytes the host keeps, with ascending offsets in the head. A payload has either these or `segments`. An empty list is the
    /// same as `None`.
    #[allow(clippy::box_collection, reason = "small payloads are moved more often than large ones are made")]
    pub hosted: Option<Box<Vec<HostedSegment>>>,
}

impl Payload {
    /// The segments, in order.
    #[inline]
    pub fn segments(&self) -> &[Segment] {
        self.segments.as_ref().map_or(&[], |segments| &segments[..])
    }

    /// The segments whose bytes the host keeps, in order.
    #[inline]
    pub fn hosted(&self) -> &[HostedSegment] {
        self.hosted.as_ref().map_or(&[], |hosted| &hosted[..])
    }

    /// Number of bytes, those of the segments included.
    #[inline]
    pub fn len(&self) -> usize {
        match (&self.segments, &self.hosted) {
            (None, None) => self.head.len(),
            _ => self.head.len() + self.segments().iter().map(outside).sum::<usize>() + self.hosted_len(),
        }
    }

    /// Moves the head to a smaller buffer if it leaves much of its own unused, and there is memory for that.
    #[inline]
    pub(crate) fn trim(&mut self) {
        if self.head.capacity() - self.head.len() > SLACK {
            self.move_head();
        }
    }

    #[cold]
    fn move_head(&mut self) {
        let mut head = Vec::new();
        if head.try_reserve_exact(self.head.len()).is_ok() {
            head.extend_from_slice(&self.head);
            self.head = head;
        }
    }

    fn hosted_len(&self) -> usize {
        self.hosted().iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Whether there are segments of either kind.
    #[inline]
    pub(crate) fn has_segments(&self) -> bool {
        !self.segments().is_empty() || !self.hosted().is_empty()
    }

    /// Number of segments.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.segments().len() + self.hosted().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in order, piece by piece, without those that the host keeps. No piece is empty.
    ///
    /// # Panics
    /// If the ranges of the segments violate the rules above.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        let outside = self.segments().iter().filter_map(|(range, bytes)| Some((range.start, &bytes.as_ref()?[..])));
        let end = [(self.head.len(), &[][..])];
        outside
            .chain(end)
            .flat_map(move |(start, bytes)| [&self.head[core::mem::replace(&mut at, start)..start], bytes])
            .filter(|piece| !piece.is_empty())
    }

    /// Copies the segments into the head, which then contains all bytes.
    ///
    /// # Errors
    /// When there is no memory for that. The payload is then unchanged.
    pub fn join(&mut self) -> Result<(), TryReserveError> {
        if self.segments().iter().any(|segment| outside(segment) > 0) {
            let mut joined = Vec::new();
            joined.try_reserve_exact(self.len())?;
            self.pieces().for_each(|piece| joined.extend_from_slice(piece));
            self.head = joined;
        }
        self.segments = None;
        if !self.hosted().is_empty() {
            let mut joined = Vec::new();
            joined.try_reserve_exact(self.len())?;
            let mut at = 0;
            for (start, bytes) in self.hosted() {
                joined.extend_from_slice(&self.head[core::mem::replace(&mut at, *start)..*start]);
                let from = joined.len();
                joined.resize(from + bytes.len(), 0);
                bytes.copy_to(0, &mut joined[from..]);
            }
            joined.extend_from_slice(&self.head[at..]);
            self.head = joined;
        }
        self.hosted = None;
        Ok(())
    }

    /// Returns all bytes in one buffer: the head itself, unless there are segments outside of it.
    ///
    /// # Panics
    /// If there is no memory for a copy of the segments; [`join`](Self::join) reports that.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.join().expect("memory for the bytes of a payload");
        self.head
    }

    /// The bytes from offset `from` on, at most `room` bytes in at most three pieces, and their number.
    pub(crate) fn gather(&self, from: usize, room: usize) -> ([&[u8]; 3], usize) {
        let mut gathered = [&[][..]; 3];
        let (mut skip, mut len) = (from, 0);
        let ahead = self.pieces().filter_map(|piece| {
            let rest = piece.get(skip..).filter(|rest| !rest.is_empty());
            skip -= skip.min(piece.len());
            rest
        });
        for (place, piece) in gathered.iter_mut().zip(ahead) {
            *place = &piece[..piece.len().min(room - len)];
            len += place.len();
        }
        (gathered, len)
    }

    /// The same for a payload whose segments the host keeps: bytes of the head, then those of at most one segment. The next frame of a segment has
    /// its bytes at `offset` in a word.
    pub(crate) fn gather_hosted(
        &self,
        from: usize,
        room: usize,
        offset: usize,
    ) -> (&[u8], Option<HostedPart<'_>>, usize) {
        let (mut skip, mut at) = (from, 0);
        for (start, bytes) in self.hosted() {
            let near = &self.head[core::mem::replace(&mut at, *start)..*start];
            let near = if skip < near.len() {
                &near[core::mem::take(&mut skip)..]
            } else {
                skip -= near.len();
                &[]
            };
            if near.is_empty() && skip >= bytes.len() {
                skip -= bytes.len();
                continue;
            }
            if near.len() >= room {
                return (&near[..room], None, room);
            }
            let part = cut(skip, bytes.len(), room - near.len(), offset);
            return (near, Some((&**bytes, skip..skip + part)), near.len() + part);
        }
        let rest = &self.head[at + skip..];
        let len = rest.len().min(room);
        (&rest[..len], None, len)
    }

    /// Offset among all bytes, and length, of each segment, as they are sent.
    pub(crate) fn table(&self) -> impl Iterator<Item = (u64, u64)> {
        let near = self.segments().iter().map(|segment| (segment.0.start, segment.0.len(), outside(segment)));
        let hosted = self.hosted().iter().map(|(start, bytes)| (*start, 0, bytes.len()));
        let mut before = 0;
        near.chain(hosted).map(move |(start, inside, outside)| {
            let offset = start + before;
            before += outside;
            (offset as u64, (inside + outside) as u64)
        })
    }

    /// Whether the ranges are in order, not empty, and inside of the head.
    pub(crate) fn is_sound(&self) -> bool {
        let mut at = 0;
        let hosted = self.hosted().iter().all(|(start, bytes)| {
            let follows = core::mem::replace(&mut at, *start) <= *start;
            follows && *start <= self.head.len() && bytes.len() > 0
        });
        if !hosted || !self.hosted().is_empty() {
            return hosted && self.segments().is_empty();
        }
        self.segments().iter().all(|segment| {
            let (range, bytes) = segment;
            let sound = at <= range.start
                && range.end <= self.head.len()
                && if bytes.is_some() { range.is_empty() && outside(segment) > 0 } else { range.start < range.end };
            at = range.end;
            sound
        })
    }
}

/// Number of bytes of a hosted segment of `len` bytes that the next frame carries: `at` have been sent, and `room` fit into the frame.
///
/// The next frame continues the segment, from an offset in a word where its own bytes have `offset`. Engines of JavaScript copy words between places
/// at the same offset, and single bytes between others. Only the first frame of a segment has another offset.
fn cut(at: usize, len: usize, room: usize, offset: usize) -> usize {
    const WORD: usize = 8;
    let rest = len - at;
    if rest <= room {
        return rest;
    }
    let over = (at + room + WORD - offset % WORD) % WORD;
    if over < room { room - over } else { room }
}

/// Bytes of a segment that lie outside of the head.
#[inline]
fn outside((_, bytes): &Segment) -> usize {
    bytes.as_ref().map_or(0, |bytes| bytes.len())
}

impl From<Vec<u8>> for Payload {
    #[inline]
    fn from(head: Vec<u8>) -> Self {
        Self { head, segments: None, hosted: None }
    }
}

impl PartialEq for Payload {
    /// Compares the bytes, independent of segments. Hosted bytes are copied for that.
    fn eq(&self, other: &Self) -> bool {
        if !self.hosted().is_empty() || !other.hosted().is_empty() {
            return self.clone().into_bytes() == other.clone().into_bytes();
        }
        self.len() == other.len() && self.pieces().flatten().eq(other.pieces().flatten())
    }
}

impl Eq for Payload {}

impl<B: AsRef<[u8]> + ?Sized> PartialEq<B> for Payload {
    fn eq(&self, other: &B) -> bool {
        let other = other.as_ref();
        if !self.hosted().is_empty() {
            return self.clone().into_bytes() == other;
        }
        self.len() == other.len() && self.pieces().flatten().eq(other)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.has_segments() {
            return self.head.fmt(f);
        }
        f.debug_struct("Payload")
            .field("head", &self.head)
            .field("segments", &self.segments())
            .field("hosted", &self.hosted())
            .finish()
    }
}

/// Unused bytes that a buffer may keep when it is trimmed.
const SLACK: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn rope() -> Payload {
        let bytes = |bytes: &[u8]| Some(Arc::new(bytes.to_vec()));
        let segments = vec![(0..0, bytes(b"ab")), (1..3, None), (3..3, bytes(b"f")), (4..4, bytes(b"hi"))];
        Payload { head: b"cdeg".to_vec(), segments: Some(Box::new(segments)), ..Payload::default() }
    }

    #[test]
    fn pieces_of_a_rope_are_in_order() {
        let payload = rope();
        assert!(payload.is_sound());
        assert_eq!(payload.len(), 9);
        assert_eq!(payload.pieces().collect::<Vec<_>>(), [&b"ab"[..], b"cde", b"f", b"g", b"hi"]);
        assert_eq!(payload.table().collect::<Vec<_>>(), [(0, 2), (3, 2), (5, 1), (7, 2)]);
        assert_eq!(payload, Payload::from(b"abcdefghi".to_vec()));
        assert_eq!(payload.into_bytes(), b"abcdefghi");
    }

    #[test]
    fn ranges_out_of_order_are_not_sound() {
        let unsound = [(2..5, None), (0..1, Some(Arc::new(vec![1]))), (1..1, None), (1..1, Some(Arc::default()))];
        for segment in unsound {
            let segments = Some(Box::new(vec![segment]));
            let payload = Payload { head: b"abcd".to_vec(), segments, ..Payload::default() };
            assert!(!payload.is_sound(), "{payload:?}");
        }
        let segments = Some(Box::new(vec![(0..2, None), (1..3, None)]));
        let overlapping = Payload { head: b"abcd".to_vec(), segments, ..Payload::default() };
        assert!(!overlapping.is_sound());
    }

    #[test]
    fn cuts_of_a_hosted_segment_put_its_rest_at_the_same_offset_in_a_word() {
        for offset in [0, 3, 4, 20, 24] {
            let mut at = 0;
            for room in [1000, 96, 9, 8, 7, 1, 96, 50, 100_000] {
                let part = cut(at, 2000, room, offset);
                assert!(part > 0 && part <= room, "{part} of {room}");
                at += part;
                assert!(at % 8 == offset % 8 || room < 8 || at == 2000, "{part} of {room}");
            }
            assert_eq!(at, 2000);
        }
    }
}

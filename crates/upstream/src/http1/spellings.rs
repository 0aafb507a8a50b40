//! Field names as upstreams write them.
//!
//! The answers of one origin have the same fields in the same order and writing. So a name is nearly always the one that stood
//! at its place before, and to see that costs a fifth of reading it: bringing it to lower case and looking it up.

use http::HeaderName;
use http::header::InvalidHeaderName;

/// Most places that are kept, and most bytes of a name there.
const PLACES_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 64;

/// After so many others in a row a place is given to the next, so that two origins in turn do not take it from each other.
const PATIENCE: u8 = 4;

/// What stood at each place of a head before.
#[derive(Debug, Default)]
pub(super) struct Spellings(Vec<Spelling>);

#[derive(Debug)]
struct Spelling {
    written: Box<[u8]>,
    name: HeaderName,
    others: u8,
}

impl Spellings {
    /// The name that is `written` at `place`.
    pub(super) fn read(
        &mut self,
        place: usize,
        written: &[u8],
    ) -> Result<HeaderName, InvalidHeaderName> {
        if let Some(known) = self.0.get_mut(place) {
            if *known.written == *written {
                known.others = 0;
                return Ok(known.name.clone());
            }
            known.others = known.others.saturating_add(1);
        }
        let name = HeaderName::from_bytes(written)?;
        self.keep(place, written, &name);
        Ok(name)
    }

    fn keep(&mut self, place: usize, written: &[u8], name: &HeaderName) {
        let is_due = match self.0.get(place) {
            Some(known) => known.others >= PATIENCE,
            None => place == self.0.len() && place < PLACES_MAX,
        };
        if !is_due || written.len() > NAME_BYTES_MAX {
            return;
        }
        let spelling = Spelling {
            written: written.into(),
            name: name.clone(),
            others: 0,
        };
        match self.0.get_mut(place) {
            Some(known) => *known = spelling,
            None => self.0.push(spelling),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_what_it_would_be_alone(
            names in proptest::collection::vec((0_usize..40, "[a-zA-Z-]{1,3}|[ -~]{0,3}|[a-z]{70}"), 0..200)
        ) {
            let mut spellings = Spellings::default();
            for (place, written) in names {
                let read = spellings.read(place, written.as_bytes()).ok();
                prop_assert_eq!(read, HeaderName::from_bytes(written.as_bytes()).ok());
                prop_assert!(spellings.0.len() <= PLACES_MAX);
            }
        }
    }

    #[test]
    fn a_place_goes_to_another_name_in_the_end() {
        let mut spellings = Spellings::default();
        let held = |spellings: &Spellings| spellings.0[0].written.to_vec();
        for written in [b"A", b"B", b"A", b"B", b"A"] {
            spellings.read(0, written).unwrap();
        }
        assert_eq!(held(&spellings), b"A");
        for _ in 0..PATIENCE {
            spellings.read(0, b"B").unwrap();
        }
        assert_eq!(held(&spellings), b"B");
    }
}

//! Salesforce ids: 15 characters, and a suffix of three that keeps them distinct where case is ignored.

const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Kind of record that an id identifies. Ranges differ from those of the mapped districts, so that no id is
/// used twice.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    District,
    School,
    Organization,
    Contact,
    Event,
    Participation,
    Attendance,
}

/// Returns the id of the `number`th record of its kind.
pub(super) fn id(kind: Kind, number: u32) -> String {
    let prefix = match kind {
        Kind::District => "0015g0000D",
        Kind::School => "0015g0000S",
        Kind::Organization => "0015g0000O",
        Kind::Contact => "0035g00000",
        Kind::Event => "a1b5g00000",
        Kind::Participation => "a2c5g00000",
        Kind::Attendance => "a3d5g00000",
    };
    let mut places = [b'A'; 5];
    let mut rest = number as usize;
    for place in places.iter_mut().rev() {
        *place = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    let mut id: Vec<u8> = prefix.bytes().chain(places).collect();
    // One character per five: a number that encodes which of them are upper case.
    let suffix: Vec<u8> = id
        .chunks(5)
        .map(|chunk| {
            let upper = chunk.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
            let bits: usize = upper.map(|(place, _)| 1 << place).sum();
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
        })
        .collect();
    id.extend(suffix);
    id.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, id};

    #[test]
    fn ids_are_unique_and_eighteen_characters_long() {
        let ids: std::collections::BTreeSet<String> = (0..5_000).map(|n| id(Kind::Contact, n)).collect();
        assert_eq!(ids.len(), 5_000);
        assert!(ids.iter().all(|id| id.len() == 18));
    }

    #[test]
    fn the_suffix_says_which_letters_are_upper_case() {
        assert_eq!(id(Kind::School, 0), "0015g0000SAAAAAAQ5");
    }
}

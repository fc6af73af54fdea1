//! Volunteers who may be asked, and their location.

use serde_json::json;

use super::{candidates, fair, ids};
use crate::snapshot::{Contact, Volunteer};

#[test]
fn who_may_be_asked() {
    type Change = fn(&mut Contact, &mut Volunteer);
    let cases: [(&str, bool, Change); 11] = [
        ("without a status", true, |_, volunteer| volunteer.status = None),
        ("active", true, |_, volunteer| volunteer.status = Some("ACTIVE".into())),
        ("on hold", true, |_, volunteer| volunteer.status = Some("ON_HOLD".into())),
        ("none", true, |_, volunteer| volunteer.status = Some("NONE".into())),
        ("inactive", false, |_, volunteer| volunteer.status = Some("INACTIVE".into())),
        ("not to be contacted", false, |contact, _| contact.do_not_contact = Some(true)),
        ("perhaps to be contacted", false, |contact, _| contact.do_not_contact = None),
        ("opted out", false, |contact, _| contact.email_opt_out = Some(true)),
        ("perhaps opted out", false, |contact, _| contact.email_opt_out = None),
        ("excluded", false, |contact, _| contact.exclude_from_reports = Some(true)),
        ("without a contact", false, |contact, _| contact.id = 77),
    ];
    for (what, asked, change) in cases {
        let world = fair().volunteer(1, |contact, volunteer| {
            volunteer.title = Some("career".into());
            change(contact, volunteer);
        });
        assert_eq!(ids(&world) == [1], asked, "{what}");
    }
}

#[test]
fn only_primary_addresses_are_used() {
    let of = |emails: &[(Option<&str>, Option<bool>)]| {
        let world = emails
            .iter()
            .fold(fair().titled(1, "career"), |world, &(address, primary)| world.email(1, address, primary));
        candidates(&world)[0]["email"].clone()
    };
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(of(&[]), json!(null));
    assert_eq!(of(&[(Some("a"), no), (Some("b"), None)]), json!(null));
    assert_eq!(of(&[(Some("a"), no), (Some("b"), yes), (Some("c"), yes)]), json!("b"));
    assert_eq!(of(&[(None, yes), (Some("c"), yes)]), json!(null));
}

#[test]
fn the_employer_is_typed_in_or_the_first_link() {
    let of = |typed: Option<&str>, links: &[i64]| {
        let world = fair().organization(5, "Five").organization(6, "Six").volunteer(1, |_, volunteer| {
            volunteer.title = Some("career".into());
            volunteer.organization_name = typed.map(Into::into);
        });
        let world = links.iter().fold(world, |world, &link| world.member(1, link, Some(link == 5)));
        candidates(&world)[0]["organization"].clone()
    };
    assert_eq!(of(Some("00Typed"), &[5]), json!("00Typed"));
    assert_eq!(of(None, &[6, 5]), json!("Six"), "being primary does not matter");
    assert_eq!(of(Some(""), &[5]), json!("Five"));
    assert_eq!(of(Some(""), &[99, 5]), json!(null), "the first link leads nowhere");
    assert_eq!(of(Some(""), &[]), json!(""));
    assert_eq!(of(None, &[]), json!(null));
}

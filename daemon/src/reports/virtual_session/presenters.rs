//! Presenters of a session, and the organizations that they represent.
//!
//! The joined list of organizations has one name per presenter, the primary organization of VMS's
//! `services/virtual_computation_service.py`: the organization of the first membership that is marked as
//! primary; if that has no name, the organization of the very first membership; if that has no name either,
//! the volunteer's own text, unless it is empty or a Salesforce id (18 letters and digits); else
//! `Independent`.

use serde::Serialize;

use super::index::Index;
use crate::reports::text::is_alphanumeric;
use crate::snapshot::{Contact, Organization, Volunteer};

/// Shown for a presenter without any organization.
const INDEPENDENT: &str = "Independent";

/// Value of `local_status` that makes a presenter local.
const LOCAL: &str = "local";

/// A presenter, as both reports contain it.
#[derive(Debug, Serialize)]
pub(super) struct Presenter<'s> {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) is_people_of_color: Option<bool>,
    /// The volunteer's own text; can be empty or a Salesforce id.
    pub(super) organization_name: Option<&'s str>,
    /// Names by organization id; repeated and empty names are kept.
    pub(super) organizations: Vec<Option<&'s str>>,
    pub(super) is_local: bool,
}

impl Presenter<'_> {
    /// Returns whether the presenter is known to be a person of color.
    pub(super) fn of_color(&self) -> bool {
        self.is_people_of_color == Some(true)
    }
}

/// The presenters of a session.
#[derive(Debug)]
pub(super) struct Panel<'s> {
    /// The presenters, by id.
    pub(super) presenters: Vec<Presenter<'s>>,
    /// Their names, joined by commas.
    pub(super) names: String,
    /// The primary organization of each presenter, joined by commas.
    pub(super) organizations: String,
}

impl<'s> Panel<'s> {
    pub(super) fn new(people: &[(&'s Volunteer, &'s Contact)], index: &Index<'s>) -> Self {
        let presenters: Vec<Presenter<'s>> =
            people.iter().map(|(volunteer, contact)| presenter(volunteer, contact, index)).collect();
        let names: Vec<&str> = presenters.iter().map(|presenter| presenter.name.as_str()).collect();
        let organizations: Vec<&str> =
            people.iter().map(|(volunteer, _)| primary_organization(volunteer, index)).collect();
        Self { names: names.join(", "), organizations: organizations.join(", "), presenters }
    }

    /// Returns whether any presenter is local.
    pub(super) fn has_local(&self) -> bool {
        self.presenters.iter().any(|presenter| presenter.is_local)
    }

    /// Returns whether any presenter is known to be a person of color.
    pub(super) fn has_of_color(&self) -> bool {
        self.presenters.iter().any(Presenter::of_color)
    }
}

fn presenter<'s>(volunteer: &'s Volunteer, contact: &Contact, index: &Index<'s>) -> Presenter<'s> {
    let mut memberships: Vec<i64> =
        index.memberships(volunteer.id).map(|membership| membership.organization).collect();
    memberships.sort_unstable();
    let organizations = memberships.into_iter().filter_map(|id| organization(id, index));
    Presenter {
        id: volunteer.id,
        name: full_name(contact),
        is_people_of_color: volunteer.people_of_color,
        organization_name: volunteer.organization_name.as_deref(),
        organizations: organizations.map(|organization| organization.name.as_deref()).collect(),
        is_local: volunteer.local_status.as_deref() == Some(LOCAL),
    }
}

fn organization<'s>(id: i64, index: &Index<'s>) -> Option<&'s Organization> {
    let organizations = &index.snapshot.organizations;
    let position = organizations.binary_search_by_key(&id, |row| row.id).ok()?;
    organizations.get(position)
}

/// Returns the name of the first membership marked as primary, else of the very first membership, in the
/// order of insertion; if neither has a name, the volunteer's own text unless it is a Salesforce id.
fn primary_organization<'s>(volunteer: &'s Volunteer, index: &Index<'s>) -> &'s str {
    let memberships = || index.memberships(volunteer.id);
    let primary = memberships().find(|membership| membership.primary == Some(true));
    let name = |id| organization(id, index)?.name.as_deref().filter(|name| !name.is_empty());
    primary
        .and_then(|membership| name(membership.organization))
        .or_else(|| memberships().next().and_then(|membership| name(membership.organization)))
        .or_else(|| volunteer.organization_name.as_deref().filter(|name| is_shown(name)))
        .unwrap_or(INDEPENDENT)
}

fn is_shown(organization_name: &str) -> bool {
    let salesforce_id = organization_name.chars().count() == 18 && is_alphanumeric(organization_name);
    !organization_name.is_empty() && !salesforce_id
}

/// Returns first, middle (if any) and last name; not trimmed.
fn full_name(contact: &Contact) -> String {
    match contact.middle_name.as_deref().filter(|middle| !middle.is_empty()) {
        Some(middle) => {
            format!("{} {middle} {}", part(contact.first_name.as_deref()), part(contact.last_name.as_deref()))
        }
        None => short_name(contact),
    }
}

/// Returns first and last name; not trimmed.
pub(super) fn short_name(contact: &Contact) -> String {
    format!("{} {}", part(contact.first_name.as_deref()), part(contact.last_name.as_deref()))
}

/// Returns a name part; a missing one is printed as Python prints it. VMS's columns do not allow a missing
/// one.
fn part(name: Option<&str>) -> &str {
    name.unwrap_or("None")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::virtual_session::fixture::{contact, membership, organization, volunteer};
    use crate::snapshot::Snapshot;

    #[test]
    fn the_primary_organization_falls_back_step_by_step() {
        let salesforce_id = "0015f00000JU4opAAD";
        for (memberships, text, expected) in [
            (&[(3, false), (1, true), (2, true)][..], "Text", "Alpha"),
            (&[(3, false), (1, false)], "Text", "Zeta"),
            // The primary membership has no name: the first one counts, not the next primary one.
            (&[(3, false), (4, true), (1, true)], "Text", "Zeta"),
            // The first membership has no name: no other membership is read.
            (&[(4, false), (1, false)], "Text", "Text"),
            (&[(4, true)], "", INDEPENDENT),
            (&[], salesforce_id, INDEPENDENT),
            (&[], "0015f00000JU4op-AD", "0015f00000JU4op-AD"),
            (&[], "", INDEPENDENT),
        ] {
            let snapshot = Snapshot {
                organizations: vec![
                    organization(1, "Alpha"),
                    organization(2, "Mid"),
                    organization(3, "Zeta"),
                    organization(4, ""),
                ]
                .into(),
                volunteer_organizations: memberships
                    .iter()
                    .map(|&(organization, primary)| membership(7, organization, primary))
                    .collect(),
                ..Snapshot::without_rows()
            };
            let someone = volunteer(7, text);
            let index = Index::new(&snapshot);
            assert_eq!(primary_organization(&someone, &index), expected, "{memberships:?} {text:?}");
        }
    }

    #[test]
    fn organizations_come_by_id_and_names_are_not_trimmed() {
        let snapshot = Snapshot {
            organizations: vec![organization(1, "Alpha"), organization(2, ""), organization(3, "Alpha")]
                .into(),
            volunteer_organizations: vec![
                membership(7, 3, false),
                membership(7, 9, true),
                membership(7, 2, false),
                membership(7, 1, false),
            ]
            .into(),
            ..Snapshot::without_rows()
        };
        let index = Index::new(&snapshot);
        let (someone, name) = (volunteer(7, "Text"), contact(7, "Val ", "Q", "Two"));
        let (other, short) = (volunteer(8, "Text"), contact(8, "Vic", "", "One"));
        let panel = Panel::new(&[(&someone, &name), (&other, &short)], &index);
        assert_eq!(panel.names, "Val  Q Two, Vic One");
        assert_eq!(panel.organizations, "Alpha, Text");
        assert_eq!(panel.presenters[0].organizations, [Some("Alpha"), Some(""), Some("Alpha")]);
    }
}

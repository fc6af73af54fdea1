//! Skills, and the skills of volunteers.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};

/// A skill.
#[derive(Debug, Clone, Default)]
pub struct Skill {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: Option<Text>,
}

impl Row for Skill {
    const SOURCE: Source = Source::Skill;
    const TABLE: &'static str = "skill";
    const COLUMNS: &'static [Column] = &[Column::plain("id"), Column::plain("name")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { id: cells.id()?, name: cells.text() })
    }
}

/// A skill of a volunteer.
#[derive(Debug, Clone, Default)]
pub struct VolunteerSkill {
    /// The volunteer.
    pub volunteer: i64,
    /// The skill.
    pub skill: i64,
}

impl Row for VolunteerSkill {
    const SOURCE: Source = Source::VolunteerSkills;
    const TABLE: &'static str = "volunteer_skills";
    const COLUMNS: &'static [Column] = &[Column::plain("volunteer_id"), Column::plain("skill_id")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { volunteer: cells.id()?, skill: cells.id()? })
    }
}

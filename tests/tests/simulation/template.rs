//! Initial databases of histories, built once and copied.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cached::reports::REPORTS;
use cached::vms::tables::Table;
use cached_tests::directory::directory;
use cached_tests::golden::Golden;
use cached_tests::vms::Other;

use crate::op::Setting;
use crate::world::World;

/// Statements that keep a few rows of everything, so that a refresh takes milliseconds.
const SHRINK: &str = "
DELETE FROM event WHERE id % 4;
DELETE FROM volunteer WHERE id % 3;
DELETE FROM organization WHERE id > 4;
DELETE FROM skill WHERE id > 8;
DELETE FROM event_student_participation WHERE id % 4;
";

/// Statements that delete what refers to deleted rows, and create the table for rows that an import loses.
const ORPHANS: &str = "
DELETE FROM volunteer_organization WHERE organization_id NOT IN (SELECT id FROM organization)
    OR volunteer_id NOT IN (SELECT id FROM volunteer);
DELETE FROM event_participation WHERE event_id NOT IN (SELECT id FROM event)
    OR volunteer_id NOT IN (SELECT id FROM volunteer);
DELETE FROM event_volunteers WHERE event_id NOT IN (SELECT id FROM event)
    OR volunteer_id NOT IN (SELECT id FROM volunteer);
DELETE FROM volunteer_skills WHERE volunteer_id NOT IN (SELECT id FROM volunteer)
    OR skill_id NOT IN (SELECT id FROM skill);
DELETE FROM event_student_participation WHERE event_id NOT IN (SELECT id FROM event);
DELETE FROM event_teacher WHERE event_id NOT IN (SELECT id FROM event);
DELETE FROM event_districts WHERE event_id NOT IN (SELECT id FROM event);
DELETE FROM event_skills WHERE event_id NOT IN (SELECT id FROM event)
    OR skill_id NOT IN (SELECT id FROM skill);
DELETE FROM event_attendance_detail WHERE event_id NOT IN (SELECT id FROM event);
DELETE FROM student WHERE id NOT IN (SELECT student_id FROM event_student_participation);
DELETE FROM teacher WHERE id NOT IN (SELECT teacher_id FROM event_teacher);
DELETE FROM contact WHERE id NOT IN
    (SELECT id FROM volunteer UNION SELECT id FROM student UNION SELECT id FROM teacher);
DELETE FROM email WHERE contact_id NOT IN (SELECT id FROM contact);
CREATE TABLE put_aside AS SELECT * FROM event_participation WHERE 0;
";

/// The tables that take longest to refresh.
const LARGE: &str = "DROP TABLE recent_volunteers_report_cache; DROP TABLE recruitment_candidates_cache";

/// Leaves few people to compute candidates from.
const FEW_CANDIDATES: &str =
    "UPDATE contact SET do_not_contact = 1 WHERE id NOT IN (SELECT id FROM volunteer LIMIT 6)";

/// Returns a database that no daemon has used.
pub(crate) fn untouched(small: bool, wal: bool) -> &'static [u8] {
    static MADE: [OnceLock<Vec<u8>>; 4] = [const { OnceLock::new() }; 4];
    MADE[usize::from(small) * 2 + usize::from(wal)].get_or_init(|| {
        // On a thread of its own: a thread of a runtime must not block on another runtime.
        std::thread::spawn(move || make(small, wal)).join().unwrap()
    })
}

fn make(small: bool, wal: bool) -> Vec<u8> {
    let large = if small { LARGE } else { "" };
    let mode = if wal { "WAL" } else { "DELETE" };
    let finish = format!("{FEW_CANDIDATES}; {large}; VACUUM; PRAGMA journal_mode = {mode}");
    shrunk(&Golden::unpack("tiny1").database(), SHRINK, &finish)
}

/// Returns a copy of a database without what the statements of `select` and what refers to it; `finish` is
/// executed at the end.
pub(crate) fn shrunk(database: &Path, select: &str, finish: &str) -> Vec<u8> {
    let directory = directory();
    let path = directory.path().join("vms.db");
    std::fs::copy(database, &path).unwrap();
    let vms = Other::open(&path);
    // Unused tables are dropped, because every connection reads the whole schema first.
    let of_vms = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    for table in vms.texts(of_vms).into_iter().filter(|table| !is_read(table)) {
        vms.execute(&format!("DROP TABLE \"{table}\""));
    }
    vms.execute(select);
    vms.execute(ORPHANS);
    vms.execute(finish);
    drop(vms);
    std::fs::read(&path).unwrap()
}

/// Returns whether a table is a cache table or a source of reports.
fn is_read(table: &str) -> bool {
    let mut sources = REPORTS.iter().flat_map(|report| report.sources());
    Table::ALL.iter().any(|cache| cache.as_str() == table) || sources.any(|source| source.table() == table)
}

/// Initial files of a history.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) vms: Vec<u8>,
    pub(crate) state: Option<Vec<u8>>,
}

/// Returns the initial files of a setting. With `lived_in`, everything was refreshed at the starting instant.
pub(crate) async fn begin(setting: Setting) -> Result<Arc<Begin>, String> {
    type Known = HashMap<(usize, bool, bool, bool), Arc<Begin>>;
    static MADE: OnceLock<Mutex<Known>> = OnceLock::new();
    let made = || MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let at = (setting.start, setting.small, setting.wal, setting.lived_in);
    if let Some(begin) = made().get(&at) {
        return Ok(Arc::clone(begin));
    }
    let begin = if setting.lived_in {
        let world = Box::pin(World::begin(Setting { lived_in: false, ..setting })).await?;
        Box::pin(world.live_in()).await?
    } else {
        Begin { vms: untouched(setting.small, setting.wal).to_vec(), state: None }
    };
    Ok(Arc::clone(made().entry(at).or_insert(Arc::new(begin))))
}

impl World {
    /// Refreshes everything and stops.
    async fn live_in(mut self) -> Result<Begin, String> {
        while self.step(0, 0).await? {}
        self.pass(60).await?;
        while self.step(0, 0).await? {}
        let Self { directory, daemon, vms, reader, state, .. } = self;
        let own = daemon.state.clone();
        drop((daemon, vms));
        reader.close().await;
        state.close().await.unwrap();
        own.close().await.unwrap();
        let file = |name| std::fs::read(directory.path().join(name)).unwrap();
        Ok(Begin { vms: file("vms.db"), state: Some(file("state.db")) })
    }
}

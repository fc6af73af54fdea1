//! `integrity`: looks for damage in VMS's database and in the daemon's own. Changes nothing.
//!
//! References between VMS's tables are not checked: VMS does not enforce them, so dangling ones are no
//! damage.

use cached_proto::text::one_line;
use cached_proto::verb::maintenance::MaintenanceItem;

use super::connection::Connection;
use super::error::MaintenanceError;
use super::indexes::quoted;
use super::task::{Done, Task};
use crate::vms::Access;

/// Maximum number of findings per database: the first few already say what to do, which is to restore a
/// backup.
const FINDINGS: u32 = 100;

const DOING: &str = "looking for damage";

pub(super) async fn integrity(task: &Task<'_>) -> Result<Done, MaintenanceError> {
    let mut done = Done::default();
    let path = task.path().display().to_string();
    match task.using(Access::Read, async |vms| look(task, vms, &mut done).await).await {
        Ok(()) => {}
        // A database that cannot even be read is a finding itself.
        Err(error) => done.items.push(found(path, error)?),
    }
    task.steps.tell("the state database", 1, 2);
    let state = task.state.path();
    let whole = async {
        let sqlite = task.state.connection().await;
        let sqlite = sqlite.map_err(|source| MaintenanceError::of(state, "opening it", source))?;
        let state = Connection::over(state, sqlite, &task.interrupt).await?;
        state.using(async |state| check(task, state, "PRAGMA integrity_check").await).await
    };
    let mut item = match whole.await {
        Ok(item) => item,
        Err(error) => found(String::new(), error)?,
    };
    item.name = state.display().to_string();
    done.items.push(item);
    done.bad = done.items.iter().any(|item| !item.messages.is_empty());
    Ok(done)
}

async fn look(task: &Task<'_>, vms: &mut Connection, done: &mut Done) -> Result<(), MaintenanceError> {
    let bytes = vms.size().await?.file;
    if vms.is_write_ahead().await? {
        task.steps.tell("VMS's database", 0, 2);
        let mut item = check(task, vms, "PRAGMA integrity_check").await?;
        (item.name, item.bytes) = (task.path().display().to_string(), bytes);
        done.items.push(item);
    } else {
        // Writers wait for a reader, so no read transaction lasts longer than the check of one table.
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name";
        let tables = vms.texts(DOING, sql).await?;
        let mut whole = item(task.path().display().to_string(), bytes);
        for (at, name) in tables.iter().enumerate() {
            task.steps.tell(name, at, tables.len() + 1);
            task.interrupt.limit(Some(task.limits.lock * 2));
            let checked = check(task, vms, &format!("PRAGMA integrity_check({})", quoted(name))).await;
            task.interrupt.limit(None);
            let checked = checked?;
            whole.seconds += checked.seconds;
            whole.messages.extend(checked.messages);
        }
        whole.messages.truncate(FINDINGS as usize);
        done.items.push(whole);
        done.notes.push(
            "pages that belong to no table were not looked at: that needs a write-ahead log".to_owned(),
        );
    }
    Ok(())
}

async fn check(
    task: &Task<'_>,
    database: &mut Connection,
    pragma: &str,
) -> Result<MaintenanceItem, MaintenanceError> {
    let mut messages = Vec::new();
    let sql = if pragma.ends_with(')') { pragma.to_owned() } else { format!("{pragma}({FINDINGS})") };
    let mut item = task
        .timed("", 0, async {
            messages = database.texts(DOING, &sql).await?;
            Ok(())
        })
        .await?;
    let findings = messages.iter().flat_map(|text| text.lines()).filter(|line| *line != "ok");
    item.messages = findings.take(FINDINGS as usize).map(|line| one_line(line).into_owned()).collect();
    Ok(item)
}

/// Converts an error that is itself a finding to an item; returns any other error.
fn found(name: String, error: MaintenanceError) -> Result<MaintenanceItem, MaintenanceError> {
    match &error {
        MaintenanceError::Sqlite { .. } => {
            Ok(MaintenanceItem { messages: vec![crate::describe::describe(&error)], ..item(name, 0) })
        }
        _ => Err(error),
    }
}

fn item(name: String, bytes: u64) -> MaintenanceItem {
    MaintenanceItem { name, rows: 0, bytes, seconds: 0.0, messages: Vec::new() }
}

//! Bad input ends with its exit code and a message that message what to do, and nothing is changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use cached_tests::binary::{Ran, cached, run};
use cached_tests::golden::Golden;
use cached_tests::vms::Other;

fn refused(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "{part:?} is not in {}", ran.stderr);
    }
}

fn refresh(directory: &Path, database: &Path, arguments: &[&str]) -> Ran {
    let mut command = cached();
    command.arg("refresh").args(arguments);
    command.arg("--database").arg(database).arg("--state").arg(directory.join("state.db"));
    run(&mut command)
}

#[test]
fn a_missing_database_is_named_with_the_way_to_set_it() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("nowhere.db");
    refused(&refresh(directory.path(), &database, &[]), &["nowhere.db does not exist", "--database"]);
    assert!(!database.exists(), "an empty database was created");
}

#[test]
fn without_a_database_the_error_names_the_key_and_the_flag() {
    refused(&run(cached().arg("refresh")), &["database.url", "CACHED_DATABASE_URL"]);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    fs::write(&file, "not a database, only a few notes from some day".repeat(100)).unwrap();
    let before = fs::read(&file).unwrap();
    refused(&refresh(directory.path(), &file, &[]), &["notes.txt is not a SQLite database"]);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_database_without_vms_tables_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("other.db");
    Other::open(&file).execute("CREATE TABLE shopping (item TEXT)");
    refused(&refresh(directory.path(), &file, &[]), &["has none of VMS's tables"]);
}

#[test]
fn an_unknown_type_or_table_lists_the_known_ones() {
    let golden = Golden::unpack("tiny1");
    let (directory, database) = (golden.directory(), &golden.database());
    refused(&refresh(directory, database, &["districts"]), &["districts", "virtual_session"]);
    refused(&refresh(directory, database, &["--table", "nothing"]), &["nothing", "dia_events_report_cache"]);
    refused(&refresh(directory, database, &["--timezone", "Mars/Olympus"]), &["Mars/Olympus", "IANA"]);
    refused(&refresh(directory, database, &["--as-of", "yesterday"]), &["yesterday", "RFC 3339"]);
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let golden = Golden::unpack("tiny1");
    let file = golden.directory().join("cached.toml");
    fs::write(&file, "[schedule]\nrefresh_tmie = \"03:00\"\n").unwrap();
    let mut command = golden.refresh();
    command.arg("--config").arg(&file);
    refused(&run(&mut command), &["refresh_tmie", "refresh_time", "cached.toml"]);
}

#[test]
fn all_mistakes_of_a_configuration_are_reported_together() {
    let golden = Golden::unpack("tiny1");
    let file = golden.directory().join("cached.toml");
    fs::write(&file, "[schedule]\nrefresh_time = \"25:00\"\n[guard]\nmax_loss = 7\n").unwrap();
    let mut command = golden.refresh();
    command.arg("--config").arg(&file);
    refused(&run(&mut command), &["25:00", "max_loss"]);
}

#[test]
fn a_socket_path_that_is_too_long_is_refused_with_the_limit() {
    let golden = Golden::unpack("tiny1");
    let socket = golden.directory().join("s".repeat(120));
    let mut command = golden.refresh();
    command.arg("--socket").arg(&socket);
    refused(&run(&mut command), &["socket", "107"]);
}

#[test]
fn with_an_unwritable_state_nothing_is_refreshed() {
    let golden = Golden::unpack("tiny1");
    let obstacle = golden.directory().join("obstacle");
    fs::write(&obstacle, "a file where a directory should be").unwrap();
    let mut command = cached();
    command.args(["refresh", "--database"]).arg(golden.database());
    command.arg("--state").arg(obstacle.join("state.db"));
    refused(&run(&mut command), &["obstacle"]);
    assert_eq!(Other::open(&golden.database()).number("SELECT count(*) FROM district_year_end_reports"), 0);
}

#[test]
fn a_one_shot_beside_a_daemon_is_refused_with_a_hint_to_cachectl() {
    let golden = Golden::unpack("tiny1");
    let _held = cached::state::StateLock::take(&golden.state()).unwrap();
    refused(&run(&mut golden.refresh()), &["cachectl", &format!("process {}", std::process::id())]);
}

#[test]
fn hostile_names_are_escaped_in_the_output_of_a_refresh() {
    let golden = Golden::unpack("tiny1");
    Other::open(&golden.database()).execute(
        "UPDATE event_participation SET delivery_hours = 'a' || char(10) || char(27) || '[31mred' WHERE id = 1; \
         UPDATE district SET name = 'Grandview' || char(10) || char(27) || '[31m School District' WHERE id = 1",
    );
    let ran = run(golden.refresh().arg("district"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    assert!(ran.stdout.contains("skipped or read with default values"), "{ran:?}");
}

#[test]
fn a_check_finds_a_state_that_a_refresh_would_refuse() {
    let golden = Golden::unpack("tiny1");
    let (notes, directory) = (golden.directory().join("notes.txt"), golden.directory().join("place"));
    fs::write(&notes, "no database").unwrap();
    fs::create_dir(&directory).unwrap();
    for (state, reported) in [(&notes, "is not an SQLite database"), (&directory, "is not a regular file")] {
        for verb in ["check", "refresh"] {
            let mut command = cached();
            command.arg(verb).arg("--database").arg(golden.database()).arg("--state").arg(state);
            refused(&run(&mut command), &[reported]);
        }
    }
    assert_eq!(fs::read_to_string(&notes).unwrap(), "no database");
    assert!(!golden.directory().join("place.lock").exists(), "a lock file is left behind");
}

#[test]
fn a_check_says_whether_backups_could_be_written_and_creates_nothing() {
    let golden = Golden::unpack("tiny1");
    let [absent, shared, private] = ["absent", "shared", "private"].map(|name| golden.directory().join(name));
    for (directory, mode) in [(&shared, 0o777), (&private, 0o700)] {
        fs::create_dir(directory).unwrap();
        fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
    }
    for (directory, code, expected) in [
        (&absent, 1, "No such file or directory"),
        (&shared, 1, "other users may write to it"),
        (&private, 0, "writable"),
    ] {
        let mut command = cached();
        command.arg("check").arg("--database").arg(golden.database()).arg("--state").arg(golden.state());
        let ran = run(command.env("CACHED_MAINTENANCE_BACKUP_DIR", directory));
        let line = format!("{}{}", ran.stdout, ran.stderr);
        let line =
            line.lines().find(|line| line.contains(expected) && line.contains(directory.to_str().unwrap()));
        assert!(ran.code == Some(code) && line.is_some(), "{directory:?}: {ran:?}");
        assert!(code == 0 || line.unwrap().contains("install -d -o "), "{line:?}");
    }
    assert!(!absent.exists() && fs::read_dir(&private).unwrap().next().is_none());
}

#[test]
fn a_data_file_that_cannot_be_read_names_its_line_in_one_line() {
    let golden = Golden::unpack("tiny1");
    let file = golden.directory().join("districts.toml");
    fs::write(&file, "schema_version = 1\n[[district]]\nid = \n").unwrap();
    let mut command = golden.refresh();
    command.env("CACHED_DISTRICTS_FILE", &file);
    let ran = run(&mut command);
    refused(&ran, &["districts.file: ", "districts.toml: line 3 (id =): "]);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert!(!ran.stderr.contains("\\n"), "{ran:?}");
}

/// Opening a pipe without a writer for reading would block.
#[test]
fn a_pipe_in_place_of_a_file_is_refused_without_waiting() {
    let golden = Golden::unpack("tiny1");
    let fifo = golden.directory().join("fifo");
    assert_eq!(run(Command::new("mkfifo").args(["-m", "600"]).arg(&fifo)).code, Some(0));
    let fifo = fifo.to_str().unwrap();
    let check = |arguments: &[&str], variables: &[(&str, &str)]| {
        let inner = cached();
        let mut command = Command::new("timeout");
        command.arg("60").arg(inner.get_program()).arg("check").args(arguments).env_clear();
        command.env("CACHED_LOG_DIR", "").env("CACHED_DATABASE_URL", golden.database());
        run(command.env("CACHED_STATE_URL", golden.state()).envs(variables.iter().copied()))
    };
    for (arguments, variables) in [
        (&["--config", fifo][..], &[][..]),
        (&[], &[("CACHED_HTTP_TOKEN_FILE", fifo)]),
        (&[], &[("CACHED_HTTP_SECRET_KEY_FILE", fifo)]),
        (&[], &[("CACHED_DISTRICTS_FILE", fifo)]),
    ] {
        refused(&check(arguments, variables), &["it is not a regular file"]);
    }
}

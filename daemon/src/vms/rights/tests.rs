use std::path::PathBuf;

use super::*;

const VMS: u32 = 1001;
const DAEMON: u32 = 990;

/// `vms` owns the database; `cached` is the daemon's account, here a member of `vms`.
fn accounts() -> Accounts {
    Accounts::new(
        "root:x:0:0::/root:/bin/sh\nvms:x:1001:1001::/home/vms:/bin/sh\ncached:x:990:990::/:/bin/false\nweb:x:33:33::/:/bin/false\n",
        "root:x:0:\nvms:x:1001:cached\ncached:x:990:\nweb:x:33:vms\n",
    )
}

fn daemon(groups: &[u32]) -> Identity {
    Identity { uid: DAEMON, gid: groups[0], groups: groups.to_vec() }
}

fn entry(path: &str, (uid, gid, mode): (u32, u32, u32)) -> Entry {
    Entry { path: PathBuf::from(path), uid, gid, mode, usable: true }
}

fn rights(directory: (u32, u32, u32), database: (u32, u32, u32)) -> Rights {
    let files = vec![entry("/srv/vms/vms.db", database)];
    Rights { directory: entry("/srv/vms", directory), files, lists: false }
}

#[test]
fn two_users_can_share_a_database_only_through_its_group_and_a_setgid_directory() {
    let both = [DAEMON, VMS];
    // Directory, database, groups of the daemon: whether VMS would be locked out, and the total number of
    // findings.
    let cases = [
        ("shared group, setgid", (VMS, VMS, 0o2770), (VMS, VMS, 0o660), &both[..], false, 0),
        ("shared group, plain directory", (VMS, VMS, 0o770), (VMS, VMS, 0o660), &both, true, 1),
        ("the daemon's own group is VMS's", (VMS, VMS, 0o770), (VMS, VMS, 0o660), &[VMS], false, 0),
        ("setgid with a foreign group", (VMS, DAEMON, 0o2770), (VMS, VMS, 0o660), &both, true, 1),
        ("group cannot write", (VMS, VMS, 0o2770), (VMS, VMS, 0o640), &both, true, 2),
        ("for all users", (VMS, VMS, 0o777), (VMS, VMS, 0o666), &both[..1], false, 0),
        ("sticky", (VMS, VMS, 0o3770), (VMS, VMS, 0o660), &both, false, 1),
        ("owner outside the group", (VMS, DAEMON, 0o2770), (VMS, DAEMON, 0o660), &both, true, 1),
        ("root's file, shared by group", (0, 33, 0o2775), (0, 33, 0o664), &[DAEMON, 33], false, 0),
        ("root's file, plain directory", (0, 33, 0o775), (0, 33, 0o664), &[DAEMON, 33], true, 2),
        ("our own file", (DAEMON, DAEMON, 0o700), (DAEMON, DAEMON, 0o600), &both, false, 0),
    ];
    for (case, directory, database, groups, locks_out, wrong) in cases {
        let found = rights(directory, database).findings(&daemon(groups), &accounts());
        assert_eq!(found.iter().any(|finding| finding.locks_out), locks_out, "{case}: {found:?}");
        assert_eq!(found.len(), wrong, "{case}: {found:?}");
    }
}

#[test]
fn modes_are_not_judged_for_root_or_with_access_control_lists() {
    let mut plain = rights((VMS, VMS, 0o770), (VMS, VMS, 0o660));
    let root = Identity { uid: 0, gid: 0, groups: vec![0] };
    assert_eq!(plain.findings(&root, &accounts()), []);
    plain.lists = true;
    assert_eq!(plain.findings(&daemon(&[DAEMON, VMS]), &accounts()), []);
}

#[test]
fn the_commands_resolve_all_findings_and_name_every_file() {
    let mut rights = rights((VMS, VMS, 0o1755), (VMS, VMS, 0o644));
    rights.files.push(entry("/srv/vms/vms.db-wal", (VMS, VMS, 0o644)));
    assert_eq!(
        rights.commands(&daemon(&[DAEMON]), &accounts()),
        [
            "chgrp vms /srv/vms /srv/vms/vms.db /srv/vms/vms.db-wal",
            "chmod g+rw /srv/vms/vms.db /srv/vms/vms.db-wal",
            "chmod g+rwxs /srv/vms",
            "chmod -t /srv/vms",
            "usermod -aG vms cached",
        ]
    );
}

#[test]
fn a_database_in_the_group_root_gets_a_new_group() {
    let mut rights = rights((VMS, 0, 0o755), (VMS, 0, 0o644));
    rights.directory.path = "/srv/our vms".into();
    rights.files[0].path = "/srv/our vms/it's.db".into();
    assert_eq!(
        rights.commands(&daemon(&[DAEMON]), &accounts()),
        [
            "groupadd --force vms-data",
            r"chgrp vms-data '/srv/our vms' '/srv/our vms/it'\''s.db'",
            r"chmod g+rw '/srv/our vms/it'\''s.db'",
            "chmod g+rwxs '/srv/our vms'",
            "usermod -aG vms-data vms   # then restart VMS",
            "usermod -aG vms-data cached",
        ]
    );
}

#[test]
fn accounts_are_read_again_only_after_a_change_of_them_or_of_the_rights() {
    let judge = Judge::default();
    let (shared, me) = (rights((VMS, VMS, 0o2770), (VMS, VMS, 0o660)), daemon(&[DAEMON, VMS]));
    let unread = || panic!("the accounts are known");
    let files = [Some(Written::of(&metadata("/").unwrap())), None];
    assert_eq!(judge.judge(shared.clone(), files, accounts, &me), None);
    let mut with_log = shared.clone();
    with_log.files.push(entry("/srv/vms/vms.db-wal", (VMS, VMS, 0o660)));
    assert_eq!(judge.judge(with_log, files, unread, &me), None);
    let none = || Accounts::new("vms:x:1001:5::/:/bin/sh\n", "vms:x:1001:\n");
    assert!(judge.judge(shared.clone(), [None, None], none, &me).is_some(), "VMS has left the group");
    assert!(judge.judge(shared, [None, None], none, &me).is_some(), "a refusal is not cached");
    let plain = rights((VMS, VMS, 0o770), (VMS, VMS, 0o660));
    assert!(judge.judge(plain, files, accounts, &me).is_some());
}

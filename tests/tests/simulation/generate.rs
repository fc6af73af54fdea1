//! Histories generated from a seed.

use cached::vms::tables::Table;

use crate::op::{Op, STARTS, Setting, TIMES, ZONES};
use crate::random::Random;
use crate::vms::IMPORTS;

/// Time spans that matter to the daemon, in seconds: polls, quiet periods, retries, checks, nights.
const AWAKE: [u64; 8] = [2, 31, 61, 330, 960, 3660, 6 * 3600, 23 * 3600];
const ASLEEP: [u64; 5] = [45, 400, 3 * 3600, 20 * 3600, 50 * 3600];
const DOWN: [u64; 5] = [1, 30, 600, 13 * 3600, 49 * 3600];

pub(crate) fn generate(seed: u64) -> (Setting, Vec<Op>) {
    let random = Random::new(seed);
    let below = |bound: usize| usize::try_from(random.below(bound as u64)).unwrap();
    let setting = Setting {
        seed,
        start: if random.percent(60) { 0 } else { below(STARTS.len()) },
        wal: random.percent(50),
        lived_in: random.percent(75),
        small: random.percent(80),
    };
    let count = 3 + random.below(7);
    let mut ops = Vec::new();
    let mut stopped = false;
    while (ops.len() as u64) < count {
        match random.below(100) {
            0..22 => ops.extend([Op::Pass(random.pick(&AWAKE)), Op::Idle]),
            22..25 => ops.push(Op::Pass(random.pick(&AWAKE))),
            25..29 => ops.push(Op::Sleep(random.pick(&ASLEEP))),
            29..32 => ops.push(Op::Set(step(&random))),
            32..38 => ops.push(Op::Work(1 + random.below(12))),
            38..39 => ops.push(Op::Rival(1 + random.below(12))),
            // A suspended machine resumes, and another worker has taken over its run.
            39..40 => ops.extend([
                Op::Refresh { table: None, force: true, accept: false },
                Op::Work(2 + random.below(5)),
                Op::Sleep(400),
                Op::Rival(1 + random.below(6)),
                Op::Work(1 + random.below(6)),
            ]),
            40..43 => ops.push(Op::Crash { down: random.pick(&DOWN) }),
            43..50 => ops.push(Op::CrashAt { point: random.below(160), down: random.pick(&DOWN) }),
            50..52 => ops.push(Op::Stop { down: random.pick(&DOWN) }),
            52..55 => ops.push(Op::BreakOff { point: random.below(120), down: random.pick(&DOWN) }),
            55..59 => ops.push(Op::Lock { exclusive: random.percent(50) }),
            59..62 => ops.push(Op::Unlock),
            62..68 => ops.push(asked(&random)),
            // The same refresh is requested again while it is in progress.
            68..70 => {
                let asked = asked(&random);
                ops.extend([asked, Op::Work(1 + random.below(3)), asked]);
            }
            70..72 => ops.push(Op::Cancel),
            72..74 => ops.push(Op::Retry),
            74..81 => ops.push(Op::Import { kind: random.below(IMPORTS), salt: random.below(1000) }),
            81..83 => ops.push(Op::Lose),
            // The nightly run detects the loss, and the daemon dies in the middle of it.
            83..84 => ops.extend([
                Op::Lose,
                Op::Pass(23 * 3600),
                Op::CrashAt { point: random.below(160), down: random.pick(&DOWN) },
            ]),
            84..86 => ops.push(Op::Restore),
            86..89 => ops.push(Op::Wipe { table: random.pick(Table::ALL), every: 1 + random.below(3) }),
            89..91 => ops.push(Op::View { table: viewed(&random), salt: random.below(1000) }),
            91..93 => ops.push(Op::Meddle { point: random.below(120), salt: random.below(1000) }),
            93..96 => {
                let (time, zone) = (below(TIMES.len()), below(ZONES.len()));
                ops.push(Op::Reload { time, zone, catch_up: random.percent(70) });
                // Whether the change makes a second run on one date shows only when its slot comes.
                ops.push(Op::Pass(random.pick(&AWAKE[5..])));
            }
            _ if stopped => {
                stopped = false;
                ops.push(Op::StartScheduler);
            }
            _ => {
                stopped = true;
                ops.push(Op::StopScheduler);
            }
        }
    }
    (setting, ops)
}

/// Returns a step of the clock as made by NTP, an operator or a failing battery.
fn step(random: &Random) -> i64 {
    random.pick(&[-2, 90, -3600, 3600, -30 * 3600, 30 * 3600])
}

fn asked(random: &Random) -> Op {
    let table = random.percent(60).then(|| random.pick(Table::ALL));
    Op::Refresh { table, force: random.percent(50), accept: random.percent(15) }
}

fn viewed(random: &Random) -> Table {
    random.pick(&[
        Table::RecruitmentCandidatesCache,
        Table::VirtualSessionReportCache,
        Table::VirtualSessionDistrictCache,
        Table::DistrictYearEndReports,
    ])
}

//! The verbs: one list of them all, and one module per verb with its request and its answer.
//!
//! A new verb is a line at the end of the list, in the place that its messages have on the wire from then on.

pub mod backup;
pub mod cancel;
pub mod get;
pub mod health;
pub mod history;
pub mod invalidate;
pub mod job;
pub mod jobs;
pub mod logs;
pub mod maintenance;
pub mod next;
pub mod notify;
pub mod ping;
pub mod refresh;
pub mod rehearse;
pub mod reload;
pub mod report;
pub mod retry;
pub mod scheduler;
pub mod status;

use serde::{Deserialize, Serialize};

/// The right that a request needs; root and the daemon's own user have every right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Every user who can connect has it.
    Read,
    /// Members of `socket.write_group` have it: the request changes something or returns personal data.
    Write,
    /// Members of `socket.backup_group` have it: a copy of VMS's database holds every credential in it.
    Backup,
}

/// A request, with the types of what comes back.
pub trait Verb {
    /// The answer.
    type Reply;
    /// What follows the answer; [`NoEvent`] when nothing does.
    type Event;

    /// The request as it is sent.
    fn request(self) -> Request;

    /// The answer, if it is one to this verb.
    fn reply(reply: Reply) -> Option<Self::Reply>;
}

/// Any request, for callers that do not know its verb. The events are those of a run or of a task.
impl Verb for &Request {
    type Reply = Reply;
    type Event = refresh::Progress;

    fn request(self) -> Request {
        self.clone()
    }

    fn reply(reply: Reply) -> Option<Reply> {
        Some(reply)
    }
}

/// The event of a verb that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEvent {}

macro_rules! is_given {
    () => {
        false
    };
    ($($given:tt)+) => {
        true
    };
}

macro_rules! event {
    () => {
        NoEvent
    };
    ($event:ty) => {
        $event
    };
}

/// What is sent for a typed request: itself, or a variant without fields.
macro_rules! sent {
    ($variant:ident, $self:ident, $request:ty) => {
        Request::$variant($self)
    };
    ($variant:ident, $self:ident,) => {
        Request::$variant
    };
}

/// Makes [`Request`] and [`Reply`], whose variants cross the wire by their position, and all that depends on the
/// verb alone. Requests that have their answer in common share an entry.
macro_rules! verbs {
    ($(
        $( $name:literal: $variant:ident $(($request:ty))? $(as $unit:ty)? ),+
        => $reply:ident($answer:ty), $right:ident $(, reads $much:ident)? $(, then $event:ty)? ;
    )+) => {
        /// A message from client to daemon. Variants are only ever appended.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Request {
            $($(
                #[doc = concat!("`", $name, "`")]
                $variant $(($request))?,
            )+)+
        }

        /// The successful half of an answer. Variants are only ever appended.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Reply {
            $(
                #[doc = concat!("Answer to", $(" `", $name, "`"),+)]
                $reply($answer),
            )+
        }

        impl Request {
            /// The names of all variants, by their position.
            pub const VARIANTS: &'static [&'static str] = &[$($(stringify!($variant)),+),+];

            /// The verb as it is given on the command line.
            pub const fn name(&self) -> &'static str {
                match self {
                    $($( Self::$variant { .. } => $name, )+)+
                }
            }

            /// The right that the request needs.
            pub const fn right(&self) -> Right {
                match self {
                    $($( Self::$variant { .. } => Right::$right, )+)+
                }
            }

            /// Whether the answer may be long, or takes reading much of the history.
            pub const fn reads_much(&self) -> bool {
                match self {
                    $( $(Self::$variant { .. })|+ => is_given!($($much)?), )+
                }
            }

            /// Whether events follow the answer.
            pub const fn streams(&self) -> bool {
                match self {
                    Self::Refresh(refresh) if !refresh.wait => false,
                    $( $(Self::$variant { .. })|+ => is_given!($($event)?), )+
                }
            }
        }

        impl Reply {
            /// The names of all variants, by their position.
            pub const VARIANTS: &'static [&'static str] = &[$(stringify!($reply)),+];
        }

        $( typed! {
            $( $variant $(($request))? $(as $unit)? ),+ => $reply($answer), event!($($event)?)
        } )+
    };
}

/// Gives the requests of one entry of the list their types.
macro_rules! typed {
    (
        $( $variant:ident $(($request:ty))? $(as $unit:ty)? ),+
        => $reply:ident($answer:ty), $event:ty
    ) => {
        $(
            impl Verb for typed!(@one $($request)? $($unit)?) {
                type Reply = $answer;
                type Event = $event;

                fn request(self) -> Request {
                    sent!($variant, self, $($request)?)
                }

                fn reply(reply: Reply) -> Option<$answer> {
                    match reply {
                        Reply::$reply(answer) => Some(answer),
                        _ => None,
                    }
                }
            }
        )+
    };
    (@one $type:ty) => { $type };
}

verbs! {
    "ping": Ping as ping::PingRequest => Pong(ping::Pong), Read;
    "status": Status(status::StatusRequest) => Status(status::StatusReply), Read;
    "health": Health as health::HealthRequest => Health(health::HealthReply), Read;
    "refresh": Refresh(refresh::RefreshRequest) => Refresh(refresh::RefreshReply), Write, then refresh::Progress;
    "start-scheduler": StartScheduler as scheduler::StartRequest,
        "stop-scheduler": StopScheduler as scheduler::StopRequest
        => Scheduler(scheduler::SchedulerReply), Write;
    "next": Next(next::NextRequest) => Next(next::NextReply), Read;
    "jobs": Jobs(jobs::JobsRequest) => Jobs(jobs::JobsReply), Read, reads much;
    "history": History(history::HistoryRequest) => History(history::HistoryReply), Read, reads much;
    "notify": NotifyTest as notify::NotifyRequest => Notify(notify::NotifyReply), Write;
    "job": Job(job::JobRequest) => Job(job::JobReply), Read, reads much;
    "cancel": Cancel(cancel::CancelRequest) => Cancel(cancel::CancelReply), Write;
    "retry": Retry(retry::RetryRequest) => Retry(retry::RetryReply), Write;
    "report": Report(report::ReportRequest) => Report(report::ReportReply), Read, reads much;
    "get": Get(get::GetRequest) => Get(get::GetReply), Write;
    "invalidate": Invalidate(invalidate::InvalidateRequest) => Invalidate(invalidate::InvalidateReply), Write;
    "rehearse": Rehearse(rehearse::RehearseRequest) => Rehearse(rehearse::RehearseReply), Read;
    "maintenance": Maintenance(maintenance::MaintenanceRequest)
        => Maintenance(maintenance::MaintenanceReply), Write, then refresh::Progress;
    "reload": Reload as reload::ReloadRequest => Reload(reload::ReloadReply), Write;
    "logs": Logs(logs::LogsRequest) => Logs(logs::LogsReply), Write, then logs::LogEvent;

    // From protocol 2 on.
    "jobs": JobsPage(jobs::JobsPageRequest) => JobsPage(jobs::JobsPage), Read, reads much;
    "history": HistoryPage(history::HistoryPageRequest) => HistoryPage(history::HistoryPage), Read, reads much;
    "maintenance backup": Backup as backup::BackupRequest
        => Backup(backup::BackupReply), Backup, then backup::BackupEvent;
    "status": FullStatus(status::FullStatusRequest) => FullStatus(Box<status::FullStatus>), Read;
}

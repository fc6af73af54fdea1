//! Who reads the state database: each lane has connections of its own, so that none can starve another.

use sea_orm::DatabaseConnection;

/// A group of readers that share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The worker, the schedule, and whatever else keeps the caches fresh.
    Work,
    /// The check of the service manager's watchdog, monitoring, and the judgement that notices are based on.
    Probes,
    /// Whoever looks at pages or asks through the socket.
    Readers,
}

/// The reading connections of each lane.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    pub(super) work: DatabaseConnection,
    pub(super) probes: DatabaseConnection,
    pub(super) readers: DatabaseConnection,
}

impl Lanes {
    pub(super) const fn of(&self, lane: Lane) -> &DatabaseConnection {
        match lane {
            Lane::Work => &self.work,
            Lane::Probes => &self.probes,
            Lane::Readers => &self.readers,
        }
    }

    pub(super) fn each(&mut self) -> [&mut DatabaseConnection; 3] {
        [&mut self.work, &mut self.probes, &mut self.readers]
    }
}

/// The same connection for every lane.
impl From<DatabaseConnection> for Lanes {
    fn from(only: DatabaseConnection) -> Self {
        Self { work: only.clone(), probes: only.clone(), readers: only }
    }
}

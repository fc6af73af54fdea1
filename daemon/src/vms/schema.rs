//! The tables and columns of a VMS database.

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::error::VmsError;

/// Tables and their columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    tables: HashMap<String, HashSet<String>>,
}

impl Schema {
    /// Reads the schema in one statement.
    pub async fn read(db: &impl ConnectionTrait) -> Result<Self, VmsError> {
        const SQL: &str = "SELECT m.name AS t, p.name AS c \
             FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type IN ('table', 'view')";
        let action = "reading its schema";
        let rows = db
            .query_all_raw(Statement::from_string(DbBackend::Sqlite, SQL))
            .await
            .map_err(VmsError::of(action))?;
        let mut tables: HashMap<String, HashSet<String>> = HashMap::new();
        for row in rows {
            let table: String = row.try_get("", "t").map_err(VmsError::of(action))?;
            let column: String = row.try_get("", "c").map_err(VmsError::of(action))?;
            tables.entry(table).or_default().insert(column);
        }
        Ok(Self { tables })
    }

    /// Whether the table exists.
    pub fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Whether at least one of the VMS tables that reports are generated from exists.
    pub fn is_vms(&self) -> bool {
        ["event", "contact", "volunteer", "district"].iter().any(|t| self.has_table(t))
    }

    /// Returns the columns that do not exist, as `table` or `table.column`.
    pub fn missing<'a>(&self, table: &str, columns: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        match self.tables.get(table) {
            None => vec![table.to_owned()],
            Some(present) => columns
                .into_iter()
                .filter(|column| !present.contains(*column))
                .map(|column| format!("{table}.{column}"))
                .collect(),
        }
    }
}

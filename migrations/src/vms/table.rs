//! Tables as constants, and their translation to SQL statements.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::sea_query::{
    Check, ColumnDef, Expr, ForeignKey, ForeignKeyAction, Index as IndexBuilder, IndexCreateStatement,
    Table as TableBuilder, TableCreateStatement,
};

/// A declared column type, exactly as VMS declares it.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    Json,
    Text,
    Varchar(u16),
}

impl Type {
    /// Needed because sea-query's portable builders choose different names (`datetime_text`, `json_text`).
    fn declared(self) -> String {
        match self {
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Date => "DATE".to_owned(),
            Self::DateTime => "DATETIME".to_owned(),
            Self::Float => "FLOAT".to_owned(),
            Self::Integer => "INTEGER".to_owned(),
            Self::Json => "JSON".to_owned(),
            Self::Text => "TEXT".to_owned(),
            Self::Varchar(length) => format!("VARCHAR({length})"),
        }
    }
}

pub(super) struct Column {
    name: &'static str,
    kind: Type,
    required: bool,
}

/// A column that is `NOT NULL`.
pub(super) const fn required(name: &'static str, kind: Type) -> Column {
    Column { name, kind, required: true }
}

/// A column that may be NULL.
pub(super) const fn optional(name: &'static str, kind: Type) -> Column {
    Column { name, kind, required: false }
}

pub(super) struct Unique {
    name: Option<&'static str>,
    columns: &'static [&'static str],
}

pub(super) const fn unique(name: &'static str, columns: &'static [&'static str]) -> Unique {
    Unique { name: Some(name), columns }
}

pub(super) const fn unnamed_unique(columns: &'static [&'static str]) -> Unique {
    Unique { name: None, columns }
}

pub(super) struct Reference {
    column: &'static str,
    table: &'static str,
    target: &'static str,
    on_delete: Option<ForeignKeyAction>,
}

pub(super) const fn reference(column: &'static str, table: &'static str, target: &'static str) -> Reference {
    Reference { column, table, target, on_delete: None }
}

impl Reference {
    pub(super) const fn on_delete(mut self, action: ForeignKeyAction) -> Self {
        self.on_delete = Some(action);
        self
    }
}

pub(super) struct Index {
    name: &'static str,
    columns: &'static [&'static str],
    unique: bool,
}

pub(super) const fn index(name: &'static str, columns: &'static [&'static str]) -> Index {
    Index { name, columns, unique: false }
}

pub(super) const fn unique_index(name: &'static str, columns: &'static [&'static str]) -> Index {
    Index { name, columns, unique: true }
}

pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    /// The primary key.
    pub(super) key: &'static [&'static str],
    pub(super) unique: &'static [Unique],
    pub(super) references: &'static [Reference],
    /// Name and condition.
    pub(super) checks: &'static [(&'static str, &'static str)],
    pub(super) indexes: &'static [Index],
}

impl Table {
    /// The default values of a table's fields.
    pub(super) const EMPTY: Self = Self {
        name: "",
        columns: &[],
        key: &["id"],
        unique: &[],
        references: &[],
        checks: &[],
        indexes: &[],
    };

    /// Creates the table, then its indexes in the given order.
    pub(super) async fn create(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        db.execute(&self.table_statement()).await?;
        for index in self.indexes {
            db.execute(&self.index_statement(index)).await?;
        }
        Ok(())
    }

    fn table_statement(&self) -> TableCreateStatement {
        let mut statement = TableBuilder::create();
        statement.table(self.name);
        for column in self.columns {
            let mut definition = ColumnDef::new(column.name);
            definition.custom(column.kind.declared());
            if column.required {
                definition.not_null();
            }
            statement.col(definition);
        }
        // A table constraint of one INTEGER column still makes it an alias of the row id.
        statement.primary_key(&mut columns_of(self.key));
        for unique in self.unique {
            let mut constraint = columns_of(unique.columns);
            if let Some(name) = unique.name {
                constraint.name(name);
            }
            statement.index(constraint.unique());
        }
        for (name, condition) in self.checks {
            statement.check(Check::named(*name, Expr::cust(*condition)));
        }
        for reference in self.references {
            let mut key = ForeignKey::create();
            key.from(self.name, reference.column).to(reference.table, reference.target);
            if let Some(action) = reference.on_delete {
                key.on_delete(action);
            }
            statement.foreign_key(&mut key);
        }
        statement
    }

    fn index_statement(&self, index: &Index) -> IndexCreateStatement {
        let mut statement = columns_of(index.columns);
        statement.name(index.name).table(self.name);
        if index.unique {
            statement.unique();
        }
        statement
    }
}

fn columns_of(columns: &[&'static str]) -> IndexCreateStatement {
    let mut statement = IndexBuilder::create();
    for column in columns {
        statement.col(*column);
    }
    statement
}

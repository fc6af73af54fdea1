//! Refreshes of all tables: the only ones that VMS itself counts.

use cached_proto::words::{Outcome, Phase};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::jobs::model::{job, run};
use crate::state::{Doing, State, StateError, instant, known};

type Row = (i64, Option<i64>, Option<String>);

/// Outcomes of the refreshes of all tables that are still in the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FullRefreshes {
    /// Number of such refreshes.
    pub total: u64,
    /// Number of those in which every table ended well.
    pub good: u64,
    /// When the newest good one was started.
    pub last_good: Option<DateTime<Utc>>,
    /// The error of the newest one; none if it ended well.
    pub last_error: Option<String>,
}

/// Counts the ended runs with at least `tables` tables. A run that skipped every entry refreshed nothing and
/// is not counted.
pub async fn full_refreshes(state: &State, tables: usize) -> Result<FullRefreshes, StateError> {
    let enough = i64::try_from(tables).unwrap_or(i64::MAX);
    let full = Query::select()
        .column(job::Column::RunId)
        .from(job::Entity)
        .group_by_col(job::Column::RunId)
        .and_having(Expr::col(job::Column::Id).count().gte(enough))
        .to_owned();
    let view = state.view().await?;
    let runs: Vec<Row> = run::Entity::find()
        .filter(run::Column::Phase.eq(Phase::Done.as_str()))
        .filter(run::Column::Id.in_subquery(full))
        .filter(run::Column::Outcome.is_null().or(run::Column::Outcome.ne(Outcome::Skipped.as_str())))
        .order_by_desc(run::Column::Ended)
        .order_by_desc(run::Column::Id)
        .select_only()
        .columns([run::Column::Id, run::Column::Started, run::Column::Outcome])
        .into_tuple()
        .all(&view)
        .await
        .doing("read the refreshes of everything")?;
    let mut refreshes = FullRefreshes { total: runs.len() as u64, ..FullRefreshes::default() };
    for (position, (id, started, outcome)) in runs.into_iter().enumerate() {
        // An outcome that only another version knows is not claimed to be good.
        let outcome: Option<Option<Outcome>> = outcome.map(known);
        if outcome.is_none_or(|outcome| outcome.is_some_and(Outcome::is_good)) {
            refreshes.good += 1;
            refreshes.last_good = refreshes.last_good.or(started.map(instant));
        } else if position == 0 {
            let error = job::Entity::find()
                .filter(job::Column::RunId.eq(id))
                .filter(job::Column::Error.is_not_null())
                .order_by_asc(job::Column::Id)
                .select_only()
                .column(job::Column::Error)
                .into_tuple()
                .one(&view)
                .await
                .doing("read the error of a run")?;
            refreshes.last_error = error;
        }
    }
    Ok(refreshes)
}

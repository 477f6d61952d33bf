//! Every statement of the crate, prepared on the schema it is for.

use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};

use crate::dialect;
use crate::migrate::{self, Schema};
use crate::projection::table;
use crate::{accounts, centre, directory, history, journal, secrets};

async fn prepare_all(schema: Schema, statements: impl IntoIterator<Item = String>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.db");
    migrate::migrate(&file, schema).await.unwrap();
    let pool = dialect::pool(&file, 1);
    for statement in statements {
        let prepared = pool
            .prepare(AssertSqlSafe(statement.clone()).into_sql_str())
            .await;
        assert!(prepared.is_ok(), "{statement}: {prepared:?}");
    }
}

fn owned(statements: &[&str]) -> impl Iterator<Item = String> {
    statements
        .iter()
        .map(|&statement| statement.to_owned())
        .collect::<Vec<_>>()
        .into_iter()
}

#[tokio::test]
async fn every_statement_fits_its_schema() {
    prepare_all(migrate::JOURNAL, owned(journal::STATEMENTS)).await;
    let fixed = [
        accounts::STATEMENTS,
        centre::STATEMENTS,
        directory::STATEMENTS,
        history::STATEMENTS,
        secrets::STATEMENTS,
        table::STATEMENTS,
    ];
    let statements = fixed
        .into_iter()
        .flat_map(owned)
        .chain(history::prune_statements());
    prepare_all(migrate::CENTRE, statements).await;
}

//! Every address means one thing, and every one of them is described.

use super::*;

#[test]
fn paths() {
    fn check(path: &str, expected: Route) {
        assert_eq!(Route::of(path), expected, "{path}");
    }
    check("/healthz", Route::Health);
    check("/metrics", Route::Metrics);
    check("/openapi.json", Route::OpenApi);
    check("/v1/events", Route::Events);
    check("/v1/i.gif", Route::Door(DoorRoute::Pixel(adtally_core::event::Kind::Impression)));
    check("/v1/c", Route::Door(DoorRoute::Redirect));
    check("/k/secret/i", Route::Door(DoorRoute::SnowplowPixel));
    check("/com.snowplowanalytics.snowplow/tp2", Route::Door(DoorRoute::Snowplow));
    let bulk =
        |index: Option<&str>| Route::Door(DoorRoute::Elastic(ElasticRoute::Bulk(index.map(str::to_owned))));
    check("/_bulk", bulk(None));
    check("/elastic/_bulk", bulk(None));
    check("/logs-2026.11/_bulk", bulk(Some("logs-2026.11")));
    check("/k/secret/elastic/logs/_bulk", bulk(Some("logs")));
    check("/elastic/", Route::Door(DoorRoute::Elastic(ElasticRoute::Info)));
    check("/elastic", Route::Door(DoorRoute::Elastic(ElasticRoute::Info)));
    check("/v1/_bulk", Route::Unknown);
    check("/v1/events/i1", Route::Event("i1".to_owned()));
    check("/v1/campaigns/%EC%97%AC%EB%A6%84%20a%2Fb", Route::Campaign("여름 a/b".to_owned()));
    check("/v1/ads/a", Route::Entry(EntryKind::Ad, "a".to_owned()));
    check("/v1/services", Route::Entries(EntryKind::Service));
    check("/v1/views", Route::Views);
    check("/v1/views/a%2Fb", Route::View("a/b".to_owned()));
    check("/v1/views/a%2Fb/export", Route::ViewExport("a/b".to_owned()));
    check("/v1/views/a/export/file", Route::ViewExportFile("a".to_owned()));
    check("/v1/views/a/export/other", Route::Unknown);
    check("/v1/health", Route::Figures);
    check("/v1/lists/bots", Route::List(ListName::Bots));
    check("/v1/lists/people", Route::Unknown);
    check("/v1/lists", Route::Unknown);
    check("/v1/ads/", Route::Unknown);
    check("/v1/ads/%FF", Route::Unknown);
    check("/v1/ads/a/b", Route::Unknown);
    check("/v1", Route::Unknown);
    check("/v1/", Route::Unknown);
    check("/v1/reports/x", Route::Unknown);
    check("/v1/sql", Route::Sql);
    check("/v1/notebooks/n", Route::Notebook("n".to_owned()));
    check("/v1/statement", Route::Statement);
    check(
        "/kylin/api/cubes/ad_stats/build",
        Route::Kylin(["cubes", "ad_stats", "build"].map(str::to_owned).to_vec()),
    );
    check("/kylin", Route::Unknown);
    check("/v1/billing", Route::Billing);
    check("/v1/billing/dead/replay", Route::BillingReplay);
    check("/v1/billing/kafka/resume", Route::BillingResume);
    check("/v1/billing/x", Route::Unknown);
    let file = Route::ArchiveFile("raw/advertiser=a%2Fb/1-2.parquet".to_owned());
    check("/v1/archive/raw/advertiser=a%252Fb/1-2.parquet", file);
    check("/v1/archive", Route::Archive);
    check("/v1/archive/", Route::Unknown);
    check("/v1/backups", Route::Backups(BackupRoute::All));
    check("/v1/backups/x-1", Route::Backups(BackupRoute::One("x-1".to_owned())));
    check("/v1/backups/x-1/restore", Route::Backups(BackupRoute::Restore("x-1".to_owned())));
    check("/v1/backups//restore", Route::Unknown);
    check("/v1/backups/x-1/burn", Route::Unknown);
    check("/v1/postbacks/news-1", Route::Postback("news-1".to_owned()));
    check("/v1/postbacks/news-1/replay", Route::PostbackReplay("news-1".to_owned()));
    check("/v1/postbacks//replay", Route::Unknown);
    check("/", Route::Page);
    check("/reports", Route::Page);
}

#[test]
fn paths_of_jobs() {
    fn check(path: &str, expected: Route) {
        assert_eq!(Route::of(path), expected, "{path}");
    }
    check("/v1/jobs", Route::Jobs);
    check("/v1/jobs/", Route::Unknown);
    check("/v1/jobs/batch-3", Route::Run("batch-3".to_owned()));
    check("/v1/jobs/batch-3/retry", Route::RunRetry("batch-3".to_owned()));
    check("/v1/jobs/batch-3/cancel", Route::RunCancel("batch-3".to_owned()));
    let task = Route::RunTask("batch-3".to_owned(), "link:acme/0".to_owned());
    check("/v1/jobs/batch-3/tasks/link:acme/0", task.clone());
    check("/v1/jobs/batch-3/tasks/link%3Aacme%2F0", task);
    check("/v1/jobs/batch-3/tasks", Route::Unknown);
    check("/v1/jobs/batch-3/tasks/", Route::Unknown);
    check("/v1/jobs/batch-3/x", Route::Unknown);
    check("/v1/jobs/webhook_key", Route::WebhookKey);
    check("/v1/jobs/definitions", Route::JobDefinitions);
    check("/v1/jobs/definitions/nightly", Route::JobDefinition("nightly".to_owned()));
    check("/v1/jobs/definitions/nightly/retry", Route::Unknown);
}

#[test]
fn paths_of_cubes() {
    fn check(path: &str, expected: Route) {
        assert_eq!(Route::of(path), expected, "{path}");
    }
    check("/v1/cubes", Route::Cubes(CubeRoute::All));
    check("/v1/cubes/", Route::Unknown);
    check("/v1/cubes/estimate", Route::Cubes(CubeRoute::Estimate));
    check("/v1/cubes/recommendations", Route::Cubes(CubeRoute::Recommendations));
    check("/v1/cubes/daily", Route::Cubes(CubeRoute::One("daily".to_owned())));
    check("/v1/cubes/daily/build", Route::Cubes(CubeRoute::Act("daily".to_owned(), CubeAction::Build)));
    check("/v1/cubes/daily/burn", Route::Unknown);
}

/// The description and the routes name the same operations.
#[test]
fn the_openapi_document_is_complete() {
    let document: serde_json::Value = serde_json::from_str(crate::routes::OPENAPI).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut described = 0;
    for (path, item) in paths {
        let path_of = ["{key}", "{id}", "{run}", "{name}"]
            .iter()
            .fold(path.clone(), |path, name| path.replace(name, "x"));
        let route = Route::of(&path_of);
        assert!(!matches!(route, Route::Unknown | Route::Page), "{path}");
        let optional = |method: &&Method| !matches!(method, Method::Head | Method::Options);
        let expected: Vec<String> =
            route.methods().iter().filter(optional).map(|method| method.as_ref().to_lowercase()).collect();
        for method in &expected {
            assert!(item.get(method).is_some(), "{method} {path} is not described");
            described += 1;
        }
        for method in ["get", "put", "post", "delete", "patch"] {
            let exists = expected.iter().any(|name| name == method);
            assert_eq!(item.get(method).is_some(), exists, "{method} {path}");
        }
    }
    assert_eq!(described, 120);
}

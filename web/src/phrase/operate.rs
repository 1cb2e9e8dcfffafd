//! The texts of jobs, restatements and health.

use super::{Phrase, phrases};

phrases! {
    Jobs: "Jobs", "작업";
    Runs: "Runs", "실행";
    NoRuns: "Nothing has run yet", "실행된 작업이 없습니다";
    Job: "Job", "작업";
    State: "State", "상태";
    Started: "Started", "시작";
    Took: "Took", "소요 시간";
    Tasks: "Tasks", "태스크";
    RunBatch: "Run the batch now", "지금 배치 실행";
    RetryFailed: "Retry what failed", "실패한 태스크 재시도";
    TaskLog: "Log of {0}", "{0} 로그";
    Grid: "Grid of runs", "실행 격자";
    Queued: "queued", "대기";
    Running: "running", "실행 중";
    Succeeded: "succeeded", "성공";
    Failed: "failed", "실패";
    Skipped: "skipped", "건너뜀";
    Attempts: "Attempts", "시도";
    Restatements: "Restatements", "정정";
    Health: "Health", "상태";
    ServiceUp: "The service answers", "서비스 정상 응답";
    ServiceVersion: "Version {0}", "버전 {0}";
    BillingOutbox: "Billing not confirmed yet", "미확정 청구";
    DeadLetters: "Billing that could not be processed", "처리하지 못한 청구";
    OldestSince: "oldest from {0}", "가장 오래된 것 {0}";
    AllConfirmed: "Everything is confirmed.", "모두 확정되었습니다.";
    DuplicatesRate: "Duplicates", "중복";
    InvalidShare: "Invalid impressions", "무효 노출";
    LateArrivals: "Late events", "지연 이벤트";
    Replay: "Try all again", "모두 다시 처리";
}

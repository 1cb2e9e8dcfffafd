//! The texts of the grid of runs, of tasks, and of jobs that are started by hand.

use super::{Phrase, phrases};

phrases! {
    GridOf: "Tasks of the last runs of {0}", "{0}의 최근 실행별 태스크";
    GridHint: "A column is a run, the latest on the right; a row is a task, or all that a task spawned of one sort. Arrow keys go from one to the next.", "열은 실행(가장 최근이 오른쪽), 행은 태스크 또는 한 태스크가 만든 같은 종류의 태스크입니다. 화살표 키로 이동할 수 있습니다.";
    Task: "Task", "태스크";
    RunWith: "{0}: {1}", "{0}: {1}";
    CellOf: "{0} in {1}: {2}", "{1}의 {0}: {2}";
    CountOf: "{0} {1}", "{1} {0}";
    GroupOf: "{0} of {1}", "{1}의 {0}";
    MoreTasks: "{0} more are not listed here; the graph has all of them.", "여기에 없는 태스크 {0}개는 그래프에서 볼 수 있습니다.";
    Details: "Details", "상세";
    Run: "Run", "실행";
    Kind: "Sort", "종류";
    Needs: "Waits for", "선행 태스크";
    SpawnedBy: "Spawned by", "만든 태스크";
    Ended: "Ended", "종료";
    NotYet: "not yet", "아직 없음";
    TaskParams: "What it was told", "받은 값";
    TaskResult: "What it left", "남긴 결과";
    LogHeading: "Log", "로그";
    NothingSaid: "It said nothing.", "로그가 없습니다.";
    NothingLeft: "Nothing", "없음";
    About: "About", "대상";
    TimesIn: "Times in {0}", "시간대 {0}";
    RunNow: "Run now", "지금 실행";
    RunJobNow: "Run now: {0}", "지금 실행: {0}";
    BackfillOfJob: "A run is started for each day; without days there is one, for yesterday.", "날짜마다 실행이 하나씩 시작되며, 날짜를 비우면 어제에 대해 한 번 실행됩니다.";
    StartedRuns: "Started: {0}", "시작됨: {0}";
    Seconds: "{0} s", "{0}초";
    MinutesSeconds: "{0} min {1} s", "{0}분 {1}초";
    HoursMinutes: "{0} h {1} min", "{0}시간 {1}분";
    Milliseconds: "{0} ms", "{0}밀리초";
    Actions: "Actions", "동작";
}

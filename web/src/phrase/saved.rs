//! The texts of saved views and their exports.

use super::{Phrase, phrases};

phrases! {
    SaveView: "Save view", "보기 저장";
    SavedViews: "Saved views", "저장된 보기";
    SavedViewName: "Name of the view", "보기 이름";
    NoSavedViews: "Nothing saved yet. Whoever can see this scope finds here what is saved.", "아직 저장된 보기가 없습니다. 저장하면 이 범위를 볼 수 있는 모두에게 표시됩니다.";
    CopyLinkOf: "Copy the link of {0}", "{0} 링크 복사";
    ExportOf: "Export {0} every day", "{0} 매일 내보내기";
    ExportSeen: "Daily export of {0}", "{0} 매일 내보내기 보기";
    NoExport: "This report is not exported every day. An admin of this scope can schedule it.", "이 보고서는 매일 내보내지 않습니다. 이 범위의 관리자가 예약할 수 있습니다.";
    ExportDaily: "Daily export", "매일 내보내기";
    ExportHint: "Every day the day before is written as a file, at this time of UTC.", "매일 이 시각(UTC)에 전날 데이터를 파일로 저장합니다.";
    ExportTime: "Time (UTC)", "시각(UTC)";
    ExportFormat: "File", "파일 형식";
    ExportStart: "Schedule", "예약";
    ExportStop: "Stop", "중지";
    ExportNow: "Run now", "지금 실행";
    ExportAt: "Every day at {0} UTC", "매일 {0}(UTC)";
    ExportNotYet: "It has not run yet.", "아직 실행되지 않았습니다.";
    ExportLast: "Last run {0}: {1}", "마지막 실행 {0}: {1}";
    ExportRows: "{0} rows", "{0}행";
    ExportDownload: "Download the file", "파일 다운로드";
    BackToViews: "Back to the views", "보기 목록으로";
}

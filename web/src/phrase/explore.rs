//! The texts of the pivot.

use super::{Phrase, phrases};

phrases! {
    Explore: "Explore", "탐색";
    Columns: "Columns", "열";
    NoColumns: "No columns", "열 없음";
    TopN: "Top {0}", "상위 {0}개";
    HowMany: "How many rows", "표시할 행 수";
    Others: "Others ({0})", "기타({0})";
    OthersPlain: "Others", "기타";
    DrillOthers: "Show only the others", "기타만 보기";
    OthersUnnamed: "These others are too many to be told apart in an address. Show fewer rows, or filter.", "기타 항목이 너무 많아 주소로 구분할 수 없습니다. 표시할 행을 줄이거나 필터를 사용하세요.";
    HeatMap: "Heat map", "히트맵";
    ComparePeriods: "Compare", "비교";
    ComparedTitle: "Change against the period before", "이전 기간 대비 변화";
    ComparedTitleHours: "Change of the ended hours against the same hours of the period before", "끝난 시간대만 이전 기간의 같은 시간대와 비교한 변화";
    NothingToCompare: "Nothing to compare with: no hour of the period has ended, or it has none before.", "비교할 대상이 없습니다. 아직 끝난 시간이 없거나 이전 기간이 없습니다.";
    ColumnsAddedUp: "Bars are of whole rows: the table tells the columns apart.", "막대는 행 전체를 나타내며, 열은 표에서 구분됩니다.";
    NotDrawn: "{0} more are not drawn: the table has all of them.", "{0}개는 그리지 않았습니다. 표에는 모두 있습니다.";
    AsTable: "Table", "표";
    AsChart: "Chart", "차트";
    ViewAs: "View as", "보기 방식";
    DownloadPng: "Download PNG", "PNG 다운로드";
    Expand: "Open {0}", "{0} 펼치기";
    Collapse: "Close {0}", "{0} 접기";
    DrillInto: "Show only {0}, by the next dimension", "{0}만 다음 측정기준으로 보기";
    DrillUp: "Up", "위로";
    SeeEvents: "Events behind this figure", "이 수치의 이벤트";
    CellsHere: "{0} cells in this browser", "이 브라우저의 셀 {0}개";
    CellsBy: "told apart {0}", "{0} 구분";
    AnsweredIn: "answered in {0} ms", "{0}ms 만에 계산";
    Swap: "Swap rows and columns", "행과 열 바꾸기";
    ExploreTable: "Pivot table", "피벗 표";
    ExploreNothing: "Choose at least one metric.", "지표를 하나 이상 선택하세요.";
    CopyLink: "Copy link", "링크 복사";
    Copied: "Copied", "복사됨";
    NoCompare: "Periods are not compared while rows or columns are times.", "행이나 열이 시간이면 기간을 비교하지 않습니다.";
}

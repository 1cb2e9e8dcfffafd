//! Every text of the dashboard, in every language, side by side.
//!
//! A phrase that lacks a language does not compile; a test checks that the placeholders agree.

use crate::lang::Lang;

/// Declares [`Phrase`]: one line per text, English and then Korean.
macro_rules! phrases {
    ($($name:ident: $en:literal, $ko:literal;)*) => {
        /// A text of the dashboard; `{0}`, `{1}` … stand for what [`Phrase::with`] puts in.
        #[allow(missing_docs, reason = "the English text beside each name says what it is")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Phrase { $($name,)* }

        impl Phrase {
            /// Every phrase.
            pub const ALL: &'static [Phrase] = &[$(Phrase::$name,)*];

            /// The text in `lang`.
            pub fn text(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Phrase::$name, Lang::En) => $en, (Phrase::$name, Lang::Ko) => $ko,)*
                }
            }
        }
    };
}

phrases! {
    AppName: "Adtally", "애드탤리";
    Tagline: "Ad reactions, counted once and linked.", "광고 반응을 한 번씩만 세고 연결합니다.";
    SkipToContent: "Skip to content", "본문으로 건너뛰기";

    SignIn: "Sign in", "로그인";
    SigningIn: "Signing in…", "로그인 중…";
    SignOut: "Sign out", "로그아웃";
    AccessToken: "Access token", "접근 토큰";
    AccessTokenHint: "It is exchanged for a session cookie and not kept in this browser.", "세션 쿠키로 교환되며 이 브라우저에 저장되지 않습니다.";
    AccessTokenMissing: "Enter your access token.", "접근 토큰을 입력하세요.";
    AccessTokenWrong: "This token is not valid. Check that all of it was pasted.", "유효하지 않은 토큰입니다. 전체를 붙여 넣었는지 확인하세요.";
    ShowToken: "Show", "표시";
    HideToken: "Hide", "숨기기";
    SessionEnded: "Your session has ended. Sign in again to go on.", "세션이 만료되었습니다. 계속하려면 다시 로그인하세요.";
    CheckingSession: "Checking your session…", "세션을 확인하는 중…";

    Overview: "Overview", "개요";
    Report: "Report", "보고서";
    Pages: "Pages", "페이지";
    OpenMenu: "Open menu", "메뉴 열기";
    CloseMenu: "Close menu", "메뉴 닫기";
    Language: "Language", "언어";
    Theme: "Appearance", "화면 모드";
    ThemeSystem: "System", "시스템";
    ThemeLight: "Light", "라이트";
    ThemeDark: "Dark", "다크";
    RoleAdmin: "Admin", "관리자";
    RoleAnalyst: "Analyst", "분석가";
    PageNotFound: "There is no such page", "페이지를 찾을 수 없습니다";
    PageNotFoundHint: "The address may be old or mistyped.", "주소가 오래되었거나 잘못 입력되었을 수 있습니다.";
    GoToOverview: "Go to the overview", "개요로 이동";

    Scope: "Scope", "범위";
    ScopePlatform: "Whole platform", "전체 플랫폼";
    ScopeAdvertisers: "Advertisers", "광고주";
    ScopeServices: "Services", "서비스";
    FindScope: "Find a scope", "범위 검색";
    NothingFound: "Nothing found", "검색 결과가 없습니다";

    DateRange: "Date range", "기간";
    Today: "Today", "오늘";
    Yesterday: "Yesterday", "어제";
    Last7Days: "Last 7 days", "최근 7일";
    Last28Days: "Last 28 days", "최근 28일";
    Last90Days: "Last 90 days", "최근 90일";
    ThisMonth: "This month", "이번 달";
    LastMonth: "Last month", "지난달";
    AllTime: "All time", "전체 기간";
    CustomRange: "Custom range", "직접 지정";
    FromDate: "From", "시작일";
    ToDate: "Through", "종료일";
    Apply: "Apply", "적용";
    RangeBackwards: "The first day is after the last one.", "시작일이 종료일보다 늦습니다.";
    TimeZone: "Time zone", "시간대";
    TimeZoneDefault: "Default ({0})", "기본값({0})";
    TimeZoneThisDevice: "This device ({0})", "이 기기({0})";

    Live: "Live", "실시간";
    LiveConnecting: "Connecting…", "연결 중…";
    LiveWaiting: "Reconnecting…", "다시 연결하는 중…";
    LiveOff: "Not live", "실시간 아님";
    DataUpTo: "Data up to {0}", "{0}까지의 데이터";
    NewestAt: "Complete up to there; the newest events in it arrived at {0}.", "이 시각까지 완전하며, 포함된 최신 이벤트는 {0}에 도착했습니다.";
    DataUpToNothing: "No data yet", "아직 데이터 없음";
    LinkRateIs: "Link rate {0}", "연결률 {0}";
    WaitingIs: "{0} waiting for their parent", "상위 이벤트 대기 {0}건";
    WaitingHint: "Valid events whose impression or click has not arrived yet.", "노출이나 클릭이 아직 도착하지 않은 유효 이벤트입니다.";
    GenerationIs: "Batch generation {0}", "배치 세대 {0}";
    GenerationNone: "Real time, not yet confirmed by a batch", "실시간 집계, 배치 확정 전";

    ComparedWith: "vs. {0}", "{0} 대비";
    ComparedWithHours: "vs. {0}, same hours", "{0} 같은 시간 대비";
    PreviousPeriod: "previous period", "이전 기간";
    NothingBefore: "no earlier data", "이전 데이터 없음";
    LinkedOf: "{0} linked clicks", "연결된 클릭 {0}";
    MixedCurrenciesHint: "Advertisers here bill in several currencies, so there is no line of their sum. Choose one advertiser to see it over time.", "이곳의 광고주들은 여러 통화를 사용하므로 합계 그래프가 없습니다. 시간에 따른 변화를 보려면 광고주 하나를 선택하세요.";
    MixedCurrencies: "Several currencies, not summed", "여러 통화라 합산하지 않음";

    ByHour: "by hour", "시간별";
    ByDay: "by day", "일별";
    ByWeek: "by week", "주별";
    ByMonth: "by month", "월별";
    ChartOf: "{0} {1}", "{1} {0}";
    ChartSummary: "{0} from {1} to {2}. Highest {3} at {4}, lowest {5} at {6}.", "{1}부터 {2}까지 {0}. 최고 {3}({4}), 최저 {5}({6}).";
    ChartKeys: "Arrow keys move through the points, Enter opens one.", "화살표 키로 이동하고 Enter 키로 자세히 봅니다.";
    ChartNoValues: "{0} has no values in this period.", "이 기간에는 {0} 값이 없습니다.";
    Resolution: "Resolution", "시간 단위";
    InProgress: "still counting", "집계 중";
    NoValue: "no value", "값 없음";
    TopAdvertisers: "Top advertisers", "상위 광고주";
    TopCampaigns: "Top campaigns", "상위 캠페인";
    TopServices: "Top services", "상위 서비스";
    TopPlacements: "Top placements", "상위 게재 위치";
    OpenReport: "Open report", "보고서 열기";
    ShareOf: "{0} of the total", "전체의 {0}";

    Rows: "Rows", "행";
    Metrics: "Metrics", "지표";
    Filters: "Filters", "필터";
    Add: "Add", "추가";
    AddFilter: "Add filter", "필터 추가";
    Remove: "Remove {0}", "{0} 제거";
    Time: "Time", "시간";
    Dimensions: "Dimensions", "측정기준";
    FilterField: "Dimension", "측정기준";
    FilterOperator: "Condition", "조건";
    FilterValue: "Value", "값";
    FilterValues: "Values, separated by commas", "값(쉼표로 구분)";
    OpEq: "is", "일치";
    OpNe: "is not", "불일치";
    OpIn: "is one of", "다음 중 하나";
    OpPrefix: "starts with", "다음으로 시작";
    FilterTo: "Show only {0}", "{0}만 보기";
    Total: "Total", "합계";
    SortBy: "Sort by {0}", "{0} 기준 정렬";
    RowsOf: "{0}–{1} of {2} rows", "{2}행 중 {0}–{1}";
    OneRow: "1 row", "1행";
    RowsPerPage: "Rows per page", "페이지당 행";
    PreviousPage: "Previous page", "이전 페이지";
    NextPage: "Next page", "다음 페이지";
    DownloadCsv: "Download CSV", "CSV 다운로드";
    Refresh: "Refresh", "새로 고침";
    NewDataArrived: "New data has arrived", "새 데이터가 도착했습니다";
    None: "(none)", "(없음)";
    NoRowsSettings: "Choose at least one metric.", "지표를 하나 이상 선택하세요.";

    Loading: "Loading…", "불러오는 중…";
    EmptyTitle: "No events in this period", "이 기간에 이벤트가 없습니다";
    EmptyHint: "Choose another period, or loosen the filters.", "다른 기간을 선택하거나 필터를 줄여 보세요.";
    EmptyEverTitle: "No events yet", "아직 이벤트가 없습니다";
    EmptyEverHint: "Send the first one with POST /v1/events and it appears here at once.", "POST /v1/events로 첫 이벤트를 보내면 바로 여기에 표시됩니다.";
    ShowAllTime: "Show all time", "전체 기간 보기";
    ClearFilters: "Clear filters", "필터 지우기";
    ErrorTitle: "This could not be loaded", "불러오지 못했습니다";
    ErrorOffline: "The server cannot be reached.", "서버에 연결할 수 없습니다.";
    ErrorAnswer: "The server's answer could not be read.", "서버의 응답을 읽을 수 없습니다.";
    ErrorServer: "The server answered {0} without a reason.", "서버가 이유 없이 {0}로 응답했습니다.";
    Retry: "Try again", "다시 시도";
    StillShowing: "The last update failed; these figures are from before.", "마지막 갱신에 실패하여 이전 수치를 표시합니다.";
    NoAccessTitle: "You cannot see this", "볼 수 있는 권한이 없습니다";
    NoAccessHint: "Your token covers {0}.", "현재 토큰의 범위는 {0}입니다.";
    GoToMyScope: "Go to my scope", "내 범위로 이동";
    LinkNotice: "Part of this link was not understood and is ignored: {0}", "이 링크의 일부를 이해할 수 없어 무시했습니다: {0}";
    Dismiss: "Dismiss", "닫기";

    Hour: "Hour", "시간";
    Day: "Day", "일";
    Week: "Week", "주";
    Month: "Month", "월";
    Advertiser: "Advertiser", "광고주";
    Campaign: "Campaign", "캠페인";
    Ad: "Ad", "광고";
    Service: "Service", "서비스";
    Placement: "Placement", "게재 위치";
    Country: "Country", "국가";
    Device: "Device", "기기";
    Label: "Conversion label", "전환 이름";

    GroupDelivery: "Delivery", "노출";
    GroupClicks: "Clicks", "클릭";
    GroupConversions: "Conversions", "전환";
    GroupMoney: "Money", "금액";
    GroupInvalid: "Invalid traffic", "무효 트래픽";
    GroupQuality: "Data quality", "데이터 품질";
    Impressions: "Impressions", "노출수";
    Views: "Viewable impressions", "조회 가능 노출";
    Viewability: "Viewability", "조회 가능률";
    Reach: "Reach", "도달";
    Clicks: "Clicks", "클릭수";
    LinkedClicks: "Linked clicks", "연결된 클릭";
    LinkRate: "Link rate", "연결률";
    Ctr: "CTR", "클릭률";
    Conversions: "Conversions", "전환수";
    ViewThrough: "View-through", "노출 후 전환";
    Unattributed: "Unattributed", "미기여 전환";
    Cvr: "CVR", "전환율";
    Cost: "Cost", "비용";
    Value: "Value", "전환 가치";
    Cpm: "CPM", "CPM";
    Cpc: "CPC", "CPC";
    Cpa: "CPA", "CPA";
    Roas: "ROAS", "ROAS";
    GrossImpressions: "Gross impressions", "총 노출";
    GrossViews: "Gross viewable impressions", "총 조회 가능 노출";
    GrossClicks: "Gross clicks", "총 클릭";
    GrossConversions: "Gross conversions", "총 전환";
    InvalidImpressions: "Invalid impressions", "무효 노출";
    InvalidViews: "Invalid viewable impressions", "무효 조회 가능 노출";
    InvalidClicks: "Invalid clicks", "무효 클릭";
    InvalidConversions: "Invalid conversions", "무효 전환";
    BotImpressions: "Bot impressions", "봇 노출";
    BotViews: "Bot viewable impressions", "봇 조회 가능 노출";
    BotClicks: "Bot clicks", "봇 클릭";
    BotConversions: "Bot conversions", "봇 전환";
    DatacenterImpressions: "Data center impressions", "데이터센터 노출";
    DatacenterViews: "Data center viewable impressions", "데이터센터 조회 가능 노출";
    DatacenterClicks: "Data center clicks", "데이터센터 클릭";
    DatacenterConversions: "Data center conversions", "데이터센터 전환";
    RepeatImpressions: "Repeated impressions", "반복 노출";
    RepeatViews: "Repeated viewable impressions", "반복 조회 가능 노출";
    RepeatClicks: "Repeated clicks", "반복 클릭";
    RepeatConversions: "Repeated conversions", "반복 전환";
    FloodImpressions: "Flood impressions", "과다 노출";
    FloodViews: "Flood viewable impressions", "과다 조회 가능 노출";
    FloodClicks: "Flood clicks", "과다 클릭";
    FloodConversions: "Flood conversions", "과다 전환";
    Duplicates: "Duplicates", "중복";
    Late: "Late", "지연 도착";
    Waiting: "Waiting", "대기";
}

impl Phrase {
    /// The text in `lang` with `{0}`, `{1}` … replaced.
    pub fn with(self, lang: Lang, values: &[&str]) -> String {
        let mut text = String::new();
        let mut rest = self.text(lang);
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').map_or(rest.len(), |length| start + length + 1);
            text.push_str(&rest[..start]);
            let index = rest[start..end].trim_matches(['{', '}']).parse::<usize>();
            text.push_str(index.ok().and_then(|index| values.get(index)).copied().unwrap_or_default());
            rest = &rest[end..];
        }
        text + rest
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn placeholders(text: &str) -> BTreeSet<String> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name.to_string())
            .collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_phrase_has_every_language_and_the_same_placeholders() {
        for phrase in Phrase::ALL {
            let english = phrase.text(Lang::En);
            for lang in Lang::ALL {
                let text = phrase.text(lang);
                assert!(!text.trim().is_empty(), "{phrase:?} {lang:?}");
                assert_eq!(placeholders(text), placeholders(english), "{phrase:?} {lang:?}");
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn korean_is_korean() {
        /// Written in Latin letters in Korean reports too.
        const SAME: [Phrase; 4] = [Phrase::Cpm, Phrase::Cpc, Phrase::Cpa, Phrase::Roas];
        for phrase in Phrase::ALL {
            let text = phrase.text(Lang::Ko);
            let hangul = text.chars().any(|c| ('가'..='힣').contains(&c));
            let has_words = text.chars().any(char::is_alphabetic);
            assert!(hangul || !has_words || SAME.contains(phrase), "{phrase:?}: {text}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn values_go_where_the_language_wants_them() {
        assert_eq!(Phrase::ChartOf.with(Lang::En, &["Clicks", "by day"]), "Clicks by day");
        assert_eq!(Phrase::ChartOf.with(Lang::Ko, &["클릭수", "일별"]), "일별 클릭수");
        assert_eq!(Phrase::RowsOf.with(Lang::Ko, &["1", "50", "120"]), "120행 중 1–50");
        assert_eq!(Phrase::Live.with(Lang::En, &["unused"]), "Live");
    }
}

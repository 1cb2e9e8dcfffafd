//! The texts of the settings.

use super::{Phrase, phrases};

phrases! {
    NoneYet: "None yet", "아직 없습니다";
    Settings: "Settings", "설정";
    Name: "Name", "이름";
    Key: "Key", "키";
    Save: "Save", "저장";
    Saved: "Saved", "저장됨";
    Windows: "Attribution windows", "기여 기간";
    WindowsHint: "They hold for what arrives from now on.", "지금부터 도착하는 이벤트에 적용됩니다.";
    ClickWindow: "Impression to click, hours", "노출에서 클릭까지(시간)";
    ConversionClickWindow: "Click to conversion, hours", "클릭에서 전환까지(시간)";
    ConversionViewWindow: "Impression to conversion, hours", "노출에서 전환까지(시간)";
    Currency: "Currency", "통화";
    Campaigns: "Campaigns and prices", "캠페인과 단가";
    PriceModel: "Price model", "과금 방식";
    OwnCost: "Own cost of each event", "이벤트별 비용";
    Price: "Price", "단가";
    Tokens: "Tokens and write keys", "토큰과 쓰기 키";
    NewToken: "Make a token", "토큰 만들기";
    Role: "Role", "역할";
    WriteKey: "Write key", "쓰기 키";
    ShownOnce: "Copy it now: it is not shown again.", "지금 복사하세요. 다시 표시되지 않습니다.";
    Copy: "Copy", "복사";
    Revoke: "Revoke {0}", "{0} 폐기";
    TagBuilder: "Tags and pixels", "태그와 픽셀";
    TagHint: "Put a write key in place of WRITE_KEY, and your own values in place of the other words in capitals. Whether an event of it has come is shown below, as it happens.", "WRITE_KEY를 쓰기 키로, 나머지 대문자 단어를 실제 값으로 바꾸세요. 이벤트가 도착하면 아래에 바로 표시됩니다.";
    Way: "How it is sent", "전송 방식";
    WayPixel: "Impression pixel", "노출 픽셀";
    WayView: "Viewable impression pixel", "조회 가능 노출 픽셀";
    WayRedirect: "Click redirect", "클릭 리디렉션";
    WayPostback: "Conversion postback", "전환 포스트백";
    WayBeacon: "Script (sendBeacon)", "스크립트(sendBeacon)";
    WaySnowplow: "Snowplow tracker", "Snowplow 트래커";
    WayServer: "Server (curl)", "서버(curl)";
    Snippet: "Snippet", "코드";
    LeadsTo: "Destination", "이동할 주소";
    SignLink: "Sign the link", "링크 서명";
    SignFirst: "Say where the click leads, and sign the link.", "클릭이 이동할 주소를 입력하고 링크에 서명하세요.";
    FirstRefused: "An event came, and was refused: {0}", "이벤트가 도착했지만 거부되었습니다: {0}";
    Ads: "Ads", "광고";
    Services: "Services", "서비스";
    Placements: "Placements", "게재 위치";
    ChooseForMore: "Choose an advertiser above for its windows, prices, ads and tags, or a service for its placements.", "위에서 광고주를 선택하면 기여 기간, 단가, 광고, 태그를, 서비스를 선택하면 게재 위치를 설정할 수 있습니다.";
    WaitingForFirst: "Waiting for the first event…", "첫 이벤트를 기다리는 중…";
    FirstReceived: "We received your first event: {0}", "첫 이벤트를 받았습니다: {0}";
    OnlyAdmins: "Only admins can change settings.", "관리자만 설정을 바꿀 수 있습니다.";
}

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
    TagBuilder: "Send your first event", "첫 이벤트 보내기";
    TagHint: "Put a write key in place of WRITE_KEY and run this. The answer appears here as soon as an event arrives.", "WRITE_KEY를 쓰기 키로 바꿔 실행하세요. 이벤트가 도착하면 바로 여기에 표시됩니다.";
    WaitingForFirst: "Waiting for the first event…", "첫 이벤트를 기다리는 중…";
    FirstReceived: "We received your event {0}", "이벤트 {0}을(를) 받았습니다";
    OnlyAdmins: "Only admins can change settings.", "관리자만 설정을 바꿀 수 있습니다.";
}

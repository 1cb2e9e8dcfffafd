//! The texts of events and their stories.

use super::{Phrase, phrases};

phrases! {
    Events: "Events", "이벤트";
    EventKind: "Kind", "종류";
    AnyKind: "Any kind", "모든 종류";
    Impression: "Impression", "노출";
    ViewEvent: "Viewable impression", "조회 가능 노출";
    Click: "Click", "클릭";
    Conversion: "Conversion", "전환";
    Outcome: "Outcome", "결과";
    AnyOutcome: "Any outcome", "모든 결과";
    Counted: "Counted", "집계됨";
    Invalid: "Invalid", "무효";
    UserKey: "User key", "사용자 키";
    EventId: "Event", "이벤트";
    EventTime: "Time", "시각";
    ArrivedAt: "Arrived", "도착";
    LinkedTo: "Linked to", "연결 대상";
    LiveTail: "Live tail", "실시간 보기";
    ChooseAdvertiser: "Choose an advertiser", "광고주를 선택하세요";
    ChooseAdvertiserHint: "Single events are their advertiser's. Whose do you want to see?", "개별 이벤트는 광고주의 것입니다. 어느 광고주의 이벤트를 볼까요?";
    NoEvents: "No such events in this period", "이 기간에 해당하는 이벤트가 없습니다";
    EventsShown: "{0} newest events", "최근 이벤트 {0}건";
    NotAllLookedAt: "Older events were not looked at.", "더 오래된 이벤트는 조회하지 않았습니다.";
    OpenStory: "Story of {0}", "{0}의 이력";
    Story: "Story", "이력";
    Close: "Close", "닫기";
    Timeline: "Timeline", "타임라인";
    WhatWasConsidered: "What it could have been linked to", "연결 후보";
    Chosen: "chosen", "선택됨";
    FactsHeading: "Facts, as they were added and retracted", "추가되고 취소된 집계";
    FactAdded: "added", "추가";
    FactRetracted: "retracted", "취소";
    AtPosition: "at position {0} of the log", "로그 위치 {0}";
    FactsPartial: "Too many events had a part in it: only what counts now is told.", "관련 이벤트가 너무 많아 현재 집계만 표시합니다.";
    BillingHeading: "Billing", "청구";
    NothingCharged: "Nothing is charged for it.", "청구된 금액이 없습니다.";
    NetCharge: "Costs {0} in all", "총 {0}";
    Charge: "charge", "청구";
    Credit: "credit", "차감";
    Pending: "on its way to the ledger", "원장으로 전송 중";
    Sent: "in the ledger", "원장에 기록됨";
    RuleIs: "Rule: {0}", "규칙: {0}";
    FieldsHeading: "As it was sent", "수신한 내용";
    ThisEvent: "this event", "이 이벤트";
    Histogram: "Over time", "시간별 추이";
}

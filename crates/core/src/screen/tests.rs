use super::*;

fn lists(bots: &str, datacenters: &str) -> Lists {
    Lists::new(ListTexts { bots: Some(bots), datacenters: Some(datacenters) }).unwrap()
}

#[test]
fn robots_and_people() {
    fn check(user_agent: &str, expected: Screening) {
        assert_eq!(
            Judge::new(Lists::built_in(), None).screen(Some(user_agent), None),
            expected,
            "{user_agent}"
        );
        let visitor = Visitor { user_agent: Some(user_agent.to_owned()), ..Visitor::default() };
        assert_eq!(
            Judge::new(Lists::built_in(), Some(&visitor)).screen(None, None),
            expected,
            "{user_agent}"
        );
    }
    check("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Screening::Bot);
    check("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0 Safari/537.36", Screening::Bot);
    check("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ChatGPT-User/1.0)", Screening::Bot);
    check("curl/8.5.0", Screening::Bot);
    check("CURL/8.5.0", Screening::Bot);
    check("python-requests/2.31", Screening::Bot);
    check("facebookexternalhit/1.1", Screening::Bot);
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
        Screening::Clean,
    );
    check("Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/99 Mobile", Screening::Clean);
    check("Dalvik/2.1.0 (Linux; U; Android 13; SM-S918N)", Screening::Clean);
    check("okhttp/4.12.0", Screening::Clean);
    check("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) 네이버 Chrome/120.0.0.0", Screening::Clean);
    check("cu", Screening::Clean);
    check("", Screening::Clean);
}

#[test]
fn data_centres_by_network() {
    fn check(asn: u32, organization: &str, expected: Screening) {
        let visitor =
            Visitor { asn: Some(asn), organization: Some(organization.to_owned()), ..Visitor::default() };
        let judge = Judge::new(Lists::built_in(), Some(&visitor));
        assert_eq!(judge.screen(None, None), expected, "AS{asn} {organization}");
    }
    check(16509, "Amazon.com, Inc.", Screening::Datacenter);
    check(24940, "", Screening::Datacenter);
    check(64500, "HETZNER-CLOUD4-AS", Screening::Datacenter);
    check(4766, "Korea Telecom", Screening::Clean);
    check(7922, "Comcast Cable Communications, LLC", Screening::Clean);
    // People go out through these: private relays and secure networks of browsers.
    check(13335, "Cloudflare, Inc.", Screening::Clean);
    check(54113, "Fastly, Inc.", Screening::Clean);
}

#[test]
fn data_centres_by_address() {
    let lists =
        lists("bot", "198.51.100.0/24\n203.0.113.9\n2001:db8::/32\n198.51.100.128/25\n198.51.101.0/24");
    let check = |ip: &str, expected: bool| assert_eq!(lists.has_address(ip), expected, "{ip}");
    check("198.51.99.255", false);
    check("198.51.100.0", true);
    check("198.51.100.255", true);
    check("198.51.101.7", true);
    check("198.51.102.0", false);
    check("203.0.113.9", true);
    check("203.0.113.8", false);
    check(" ::ffff:203.0.113.9 ", true);
    check("2001:db8:ffff::1", true);
    check("2001:db9::", false);
    check("0.0.0.0", false);
    check("an address", false);
    check("", false);
}

/// A browser's request stands in for what its events leave out; a server's says nothing about them.
#[test]
fn whom_the_verdict_is_about() {
    let lists = lists("curl/", "AS64500\nmetal host\n198.51.100.0/24");
    let person = Visitor {
        user_agent: Some("Mozilla/5.0".to_owned()),
        ip: Some("203.0.113.1".to_owned()),
        country: Some("KR".to_owned()),
        asn: Some(64501),
        organization: Some("Home".to_owned()),
    };
    let with = |change: fn(&mut Visitor)| {
        let mut visitor = person.clone();
        change(&mut visitor);
        Some(visitor)
    };
    let check = |visitor: Option<Visitor>, agent: Option<&str>, ip: Option<&str>, expected: Screening| {
        let judge = Judge::new(&lists, visitor.as_ref());
        assert_eq!(judge.screen(agent, ip), expected, "{visitor:?} {agent:?} {ip:?}");
    };
    let (robot, metal) = (Some("curl/8"), Some("198.51.100.1"));
    check(None, None, None, Screening::Clean);
    check(None, robot, metal, Screening::Bot);
    check(None, None, metal, Screening::Datacenter);
    check(Some(person.clone()), None, None, Screening::Clean);
    check(with(|v| v.user_agent = Some("curl/8".to_owned())), None, None, Screening::Bot);
    check(with(|v| v.user_agent = Some("curl/8".to_owned())), Some(""), None, Screening::Bot);
    check(with(|v| v.user_agent = Some("curl/8".to_owned())), Some("Mozilla/5.0"), None, Screening::Clean);
    check(with(|v| v.ip = Some("198.51.100.1".to_owned())), None, None, Screening::Datacenter);
    check(with(|v| v.ip = Some("198.51.100.1".to_owned())), None, Some("203.0.113.1"), Screening::Clean);
    check(with(|v| v.asn = Some(64500)), None, Some("203.0.113.1"), Screening::Datacenter);
    check(
        with(|v| v.organization = Some("Bare METAL HOST Ltd".to_owned())),
        None,
        None,
        Screening::Datacenter,
    );
    check(with(|v| v.asn = Some(64500)), robot, None, Screening::Bot);
    let country = |visitor: Option<Visitor>| Judge::new(&lists, visitor.as_ref()).country.to_string();
    assert_eq!(country(Some(person.clone())), "KR");
    assert_eq!(country(with(|v| v.country = Some("XX".to_owned()))), "");
    assert_eq!(country(None), "");
}

#[test]
fn senders() {
    fn check(content_type: &str, has_key: bool, expected: Sender) {
        assert_eq!(Sender::of(content_type, has_key), expected, "{content_type} {has_key}");
    }
    check("text/plain;charset=UTF-8", true, Sender::Browser);
    check("Text/Plain", true, Sender::Browser);
    check("text/plain", false, Sender::Server);
    check("application/json", true, Sender::Server);
    check("application/x-ndjson", true, Sender::Server);
    check("", true, Sender::Server);
}

#[test]
fn lists_that_are_read() {
    fn read(list: ListName, text: &str, expected: usize) {
        assert_eq!(check(list, text.as_bytes()), Ok((text, expected)), "{text}");
    }
    read(ListName::Bots, "# mine\n\n  Bot/  # the usual\r\nc#-client\n", 2);
    read(ListName::Bots, "AS1\n10.0.0.0/8", 2);
    read(
        ListName::Datacenters,
        "AS64500 # one\nas64501\n10.0.0.0/8\n::1\n2001:db8::/32\n0.0.0.0/0\n1&1 ionos",
        7,
    );
    read(ListName::Datacenters, "ASCII hosting\nasn\ncafe", 3);
    for list in ListName::ALL {
        let built_in = check(list, list.built_in().as_bytes()).unwrap().1;
        assert!(built_in > 50, "{built_in}");
        read(list, "@default", built_in);
        read(list, "@default\nmy own", built_in + 1);
        assert_eq!(ListName::parse(list.name()), Some(list));
    }
    read(ListName::Bots, &"abc\n".repeat(MAX_ENTRIES), MAX_ENTRIES);
}

#[test]
fn lists_that_are_refused() {
    fn refuse(list: ListName, text: &str, expected: &str) {
        assert_eq!(check(list, text.as_bytes()).unwrap_err().to_string(), expected, "{text}");
    }
    let short = r#"line 3: "b" is shorter than 3 characters and would be found nearly everywhere"#;
    refuse(ListName::Bots, "# one\nbot\nb", short);
    refuse(ListName::Bots, "", "the list has no entries");
    refuse(ListName::Bots, "# nothing\n\n", "the list has no entries");
    refuse(ListName::Bots, "@defaults", r#"line 1: "@defaults" is not known, @default is"#);
    refuse(ListName::Bots, "a\u{7}bc", "line 1: the entry contains a control character");
    refuse(ListName::Bots, &"x".repeat(101), "line 1: the entry has 101 characters, at most 100 are allowed");
    let wrong =
        |entry: &str| format!("line 1: {entry:?} is not an address or a range such as 203.0.113.0/24");
    for entry in
        ["203.0.113/24", "203.0.113.0/33", "203.0.113.0/", "203.0.113.0/+8", "1.2.3.256", "2001:db8::/129"]
    {
        refuse(ListName::Datacenters, entry, &wrong(entry));
    }
    refuse(ListName::Datacenters, "203.0.113.1/24", r#"line 1: "203.0.113.1/24" has bits behind its prefix"#);
    let number = r#"line 1: "AS4294967296" is not the number of a network such as AS64500"#;
    refuse(ListName::Datacenters, "AS4294967296", number);
    refuse(
        ListName::Bots,
        &"abc\n".repeat(MAX_ENTRIES + 1),
        "the list has 10001 entries, at most 10000 are allowed",
    );
    refuse(ListName::Bots, &" ".repeat(MAX_LIST_BYTES + 1), "the list has more than 524288 bytes");
    assert_eq!(check(ListName::Bots, b"one\ntwo\nthr\xffee"), Err(ListError::NotText(3)));
    let many = check(ListName::Bots, "b\n".repeat(12).as_bytes()).unwrap_err().to_string();
    assert!(
        many.contains("line 10: ") && !many.contains("line 11: ") && many.ends_with("; and 2 more"),
        "{many}"
    );
}

/// The quick search finds what a plain one finds.
#[test]
fn fragments_are_found_anywhere() {
    let fragments = ["abc", "abcd", "xyz/1", "bot", "한국어", "aab"];
    let quick = Fragments::new(fragments.iter().map(|text| (*text).to_owned()).collect());
    let letters = ["a", "b", "c", "d", "B", "o", "t", "xyz", "/1", "한국", "어", " "];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..state % 9 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(letters[(state >> 33) as usize % letters.len()]);
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let expected = fragments.iter().any(|fragment| text.to_ascii_lowercase().contains(fragment));
        assert_eq!(quick.are_in(&text), expected, "{text}");
    }
}

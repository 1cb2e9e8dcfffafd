//! What a browser's user agent tells of the device, by words that browsers have said for years; coarse enough to be many
//! people's.

/// Names for cells and extras; empty where nothing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Agent {
    /// `desktop`, `mobile`, `tablet` or `tv`.
    pub(crate) device: &'static str,
    /// The operating system.
    pub(crate) os: &'static str,
    /// The browser, or the app that shows the page.
    pub(crate) browser: &'static str,
}

/// A word in lower case, and what it tells; of several the first in the list counts, as browsers say others' names too.
type Words = &'static [(&'static str, &'static str)];

const DEVICES: Words = &[
    ("smart-tv", "tv"),
    ("smarttv", "tv"),
    ("smart tv", "tv"),
    ("hbbtv", "tv"),
    ("googletv", "tv"),
    ("android tv", "tv"),
    ("appletv", "tv"),
    ("crkey", "tv"),
    ("roku", "tv"),
    ("web0s", "tv"),
    ("bravia", "tv"),
    ("; aft", "tv"),
    ("ipad", "tablet"),
    ("tablet", "tablet"),
    ("kindle", "tablet"),
    ("silk/", "tablet"),
    ("iphone", "mobile"),
    ("ipod", "mobile"),
    ("windows phone", "mobile"),
    ("opera mini", "mobile"),
    ("mobile", "mobile"),
    // Android says "Mobile" on phones.
    ("android", "tablet"),
    ("windows nt", "desktop"),
    ("macintosh", "desktop"),
    ("cros ", "desktop"),
    ("x11", "desktop"),
];

const SYSTEMS: Words = &[
    ("windows phone", "windows-phone"),
    ("windows nt", "windows"),
    ("iphone", "ios"),
    ("ipad", "ios"),
    ("ipod", "ios"),
    ("appletv", "tvos"),
    ("tizen", "tizen"),
    ("web0s", "webos"),
    ("roku", "roku"),
    ("android", "android"),
    ("cros ", "chromeos"),
    ("mac os x", "macos"),
    ("linux", "linux"),
    ("x11", "linux"),
];

const BROWSERS: Words = &[
    ("kakaotalk", "kakaotalk"),
    ("naver(", "naver"),
    ("whale/", "whale"),
    ("samsungbrowser/", "samsung"),
    ("edg/", "edge"),
    ("edga/", "edge"),
    ("edgios/", "edge"),
    ("edge/", "edge"),
    ("opr/", "opera"),
    ("opera", "opera"),
    ("ucbrowser/", "uc"),
    ("yabrowser/", "yandex"),
    ("firefox/", "firefox"),
    ("fxios/", "firefox"),
    ("crios/", "chrome"),
    ("chrome/", "chrome"),
    ("chromium/", "chrome"),
    ("trident/", "ie"),
    ("msie ", "ie"),
    ("safari/", "safari"),
];

impl Agent {
    /// Reads a user agent.
    pub(crate) fn of(user_agent: &str) -> Agent {
        let said = user_agent.to_ascii_lowercase();
        let first =
            |words: Words| words.iter().find(|(word, _)| said.contains(word)).map_or("", |(_, name)| *name);
        Agent { device: first(DEVICES), os: first(SYSTEMS), browser: first(BROWSERS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents() {
        fn check(user_agent: &str, device: &str, os: &str, browser: &str) {
            let Agent { device: d, os: o, browser: b } = Agent::of(user_agent);
            assert_eq!((d, o, b), (device, os, browser), "{user_agent}");
        }
        const IPHONE: &str =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
        const PIXEL: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";
        check(&format!("{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1"), "mobile", "ios", "safari");
        check(&format!("{IPHONE} CriOS/126.0 Mobile/15E148 Safari/604.1"), "mobile", "ios", "chrome");
        check(&format!("{IPHONE} Mobile/15E148 KAKAOTALK 10.8.3"), "mobile", "ios", "kakaotalk");
        check(WINDOWS, "desktop", "windows", "chrome");
        check(&format!("{WINDOWS} Edg/126.0.0.0"), "desktop", "windows", "edge");
        check(&format!("{WINDOWS} Whale/3.26"), "desktop", "windows", "whale");
        check(&format!("{WINDOWS} OPR/111.0"), "desktop", "windows", "opera");
        check(PIXEL, "mobile", "android", "chrome");
        check(&PIXEL.replace(" Mobile", ""), "tablet", "android", "chrome");
        check(
            "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S901N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36",
            "mobile",
            "android",
            "samsung",
        );
        check(
            "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
            "tablet",
            "ios",
            "safari",
        );
        check(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
            "desktop",
            "macos",
            "safari",
        );
        check(
            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
            "desktop",
            "linux",
            "firefox",
        );
        check(
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "desktop",
            "chromeos",
            "chrome",
        );
        check(
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36",
            "tv",
            "tizen",
            "safari",
        );
        check("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko", "desktop", "windows", "ie");
        check("curl/8.5.0", "", "", "");
        check("", "", "", "");
        check("여름", "", "", "");
    }
}

//! Snippets that send events, to be copied into pages and servers.

use adtally_core::event::Kind;
use serde_json::{Map, Value};

use crate::state::params::{Params, encode};

/// A way to send events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A picture where an ad is shown.
    Pixel,
    /// A picture once half of the ad was seen for a second.
    ViewPixel,
    /// A signed link that leads to the destination.
    Redirect,
    /// A partner's server.
    Postback,
    /// A page's script.
    Beacon,
    /// Snowplow's tracker.
    Snowplow,
    /// A server.
    Server,
}

/// What a snippet is about; what is empty is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tag {
    /// Where events go.
    pub origin: String,
    /// The write key, or what stands for it.
    pub key: String,
    /// Who pays.
    pub advertiser: String,
    /// What is shown.
    pub campaign: String,
    /// What is shown.
    pub ad: String,
    /// Where it is shown.
    pub service: String,
    /// Where it is shown.
    pub placement: String,
    /// The signed link of a redirect.
    pub link: Option<String>,
}

impl Way {
    /// Every way.
    pub const ALL: [Way; 7] =
        [Way::Pixel, Way::ViewPixel, Way::Redirect, Way::Postback, Way::Beacon, Way::Snowplow, Way::Server];

    /// For tests and values of controls.
    pub fn name(self) -> &'static str {
        match self {
            Way::Pixel => "pixel",
            Way::ViewPixel => "view",
            Way::Redirect => "redirect",
            Way::Postback => "postback",
            Way::Beacon => "beacon",
            Way::Snowplow => "snowplow",
            Way::Server => "server",
        }
    }

    /// The way of that name.
    pub fn parse(name: &str) -> Option<Way> {
        Way::ALL.into_iter().find(|way| way.name() == name)
    }

    /// What it sends first.
    pub fn kind(self) -> Kind {
        match self {
            Way::Pixel | Way::Beacon | Way::Snowplow | Way::Server => Kind::Impression,
            Way::ViewPixel => Kind::View,
            Way::Redirect => Kind::Click,
            Way::Postback => Kind::Conversion,
        }
    }

    /// Whether its events name ad and service themselves; a conversion takes them from its click.
    pub fn names_placement(self) -> bool {
        self != Way::Postback
    }
}

impl Tag {
    /// The snippet of a way; `None` where a link has to be signed first.
    pub fn snippet(&self, way: Way) -> Option<String> {
        Some(match way {
            Way::Pixel => {
                let address = self.pixel("i.gif");
                format!(
                    "<img src=\"{address}&user=USER_KEY&id=IMPRESSION_ID\" width=\"1\" height=\"1\" alt=\"\">"
                )
            }
            Way::ViewPixel => self.view_script(),
            Way::Redirect => {
                let link = attribute(self.link.as_ref()?);
                format!("<a href=\"{link}&amp;user=USER_KEY&amp;impression=IMPRESSION_ID\">…</a>")
            }
            Way::Postback => self.postback(),
            Way::Beacon => format!(
                "<script>\n  navigator.sendBeacon(\"{}/v1/events?key={}\", JSON.stringify(\n    {}\n  ));\n</script>",
                self.origin,
                encode(&self.key),
                script(&self.event("impression", "USER_KEY"))
            ),
            Way::Snowplow => self.snowplow(),
            Way::Server => self.server(),
        })
    }

    /// The address of a picture, as it stands in an attribute.
    fn pixel(&self, picture: &str) -> String {
        let mut params = Params::default();
        params.push("key", &self.key);
        self.named().iter().for_each(|(name, value)| params.push(name, value));
        attribute(&params.after(&format!("{}/v1/{picture}", self.origin))).replace("&amp;", "&")
    }

    fn view_script(&self) -> String {
        format!(
            "<script>\n  (function (ad) {{\n    let timer;\n    new IntersectionObserver(function (seen, watcher) {{\n      clearTimeout(timer);\n      \
             if (seen[0].intersectionRatio < 0.5) return;\n      timer = setTimeout(function () {{\n        watcher.disconnect();\n        \
             new Image().src = \"{}&user=USER_KEY&impression=IMPRESSION_ID\";\n      }}, 1000);\n    }}, {{ threshold: [0, 0.5] }}).observe(ad);\n  \
             }})(document.currentScript.parentElement);\n</script>",
            self.pixel("v.gif")
        )
    }

    fn postback(&self) -> String {
        let mut params = Params::default();
        params.push("key", &self.key);
        params.push("advertiser", &self.advertiser);
        let address = params.after(&format!("{}/v1/postback", self.origin));
        format!("{address}&clickid=CLICK_ID&txid=ORDER_ID&payout=12.50&goal=purchase")
    }

    fn snowplow(&self) -> String {
        let mut of = Map::new();
        let names =
            [("advertiserId", &self.advertiser), ("campaignId", &self.campaign), ("bannerId", &self.ad)];
        for (name, value) in names.into_iter().filter(|(_, value)| !value.is_empty()) {
            of.insert(name.to_string(), value.as_str().into());
        }
        let collector = script(&Value::from(format!("{}/k/{}", self.origin, encode(&self.key))));
        let service = script(&Value::from(self.service.as_str()));
        format!(
            "import {{ newTracker, setUserId }} from \"@snowplow/browser-tracker\";\n\
             import {{ AdTrackingPlugin, trackAdImpression }} from \"@snowplow/browser-plugin-ad-tracking\";\n\
             newTracker(\"adtally\", {collector}, {{ appId: {service}, plugins: [AdTrackingPlugin()] }});\n\
             setUserId(\"USER_KEY\");\n\
             trackAdImpression({{ ...{}, impressionId: \"IMPRESSION_ID\" }});",
            script(&Value::Object(of))
        )
    }

    fn server(&self) -> String {
        let body = script(&self.event("impression", "u1")).replace('\'', "\\u0027");
        format!("curl {}/v1/events -H \"Authorization: Bearer {}\" \\\n  -d '{body}'", self.origin, self.key)
    }

    fn event(&self, kind: &str, user: &str) -> Value {
        let mut event = Map::new();
        event.insert("kind".to_string(), kind.into());
        self.named().into_iter().for_each(|(name, value)| drop(event.insert(name.to_string(), value.into())));
        event.insert("user".to_string(), user.into());
        Value::Object(event)
    }

    /// What is named, in the order of the API.
    fn named(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("advertiser", &self.advertiser),
            ("campaign", &self.campaign),
            ("ad", &self.ad),
            ("service", &self.service),
            ("placement", &self.placement),
        ];
        all.into_iter()
            .map(|(name, value)| (name, value.as_str()))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// The address of the newest event of a way since a moment.
    pub fn newest(&self, way: Way, from_ms: i64) -> String {
        let mut params = Params::default();
        params.push("advertiser", &self.advertiser);
        params.push("kind", way.kind().name());
        let filters = [("ad", &self.ad), ("service", &self.service)];
        for (name, value) in
            filters.into_iter().filter(|(_, value)| way.names_placement() && !value.is_empty())
        {
            params.push("filter", format!("{name}:eq:{value}"));
        }
        params.push("from", from_ms);
        params.push("limit", 1);
        params.after("/v1/events")
    }

    /// The address of the newest event that was refused since a moment.
    pub fn refused(&self, from_ms: i64) -> String {
        let mut params = Params::default();
        params.push("advertiser", &self.advertiser);
        params.push("from", from_ms);
        params.push("limit", 1);
        params.after("/v1/rejected")
    }
}

/// A value in a script in a page: no text of it can end the script.
fn script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A text in an attribute in double quotes.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn tag() -> Tag {
        Tag {
            origin: "https://t.example".to_string(),
            key: "WRITE_KEY".to_string(),
            advertiser: "acme".to_string(),
            ad: "a 1".to_string(),
            service: "news".to_string(),
            ..Tag::default()
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn snippets_name_what_is_meant() {
        fn check(way: Way, expected: &[&str]) {
            let text = Tag { link: Some("https://t.example/v1/c?a=b&sig=x".to_string()), ..tag() }
                .snippet(way)
                .unwrap();
            for part in expected {
                assert!(text.contains(part), "{way:?}: {part} is not in {text}");
            }
        }
        let named = "key=WRITE_KEY&advertiser=acme&ad=a%201&service=news";
        check(Way::Pixel, &["<img src=\"https://t.example/v1/i.gif?", named, "id=IMPRESSION_ID"]);
        check(Way::ViewPixel, &["https://t.example/v1/v.gif?", named, "impression=IMPRESSION_ID", "0.5"]);
        check(Way::Redirect, &["<a href=\"https://t.example/v1/c?a=b&amp;sig=x&amp;user=USER_KEY"]);
        check(Way::Postback, &["/v1/postback?key=WRITE_KEY&advertiser=acme&clickid=CLICK_ID&txid=ORDER_ID"]);
        check(Way::Beacon, &["/v1/events?key=WRITE_KEY", r#""kind":"impression""#, r#""ad":"a 1""#]);
        check(Way::Snowplow, &["https://t.example/k/WRITE_KEY", r#""bannerId":"a 1""#, r#"appId: "news""#]);
        check(Way::Server, &["curl https://t.example/v1/events", "Bearer WRITE_KEY", r#""service":"news""#]);
        assert_eq!(tag().snippet(Way::Redirect), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn no_name_breaks_out_of_its_snippet() {
        let evil = "\"></script>'<";
        let tag =
            Tag { ad: evil.to_string(), service: evil.to_string(), advertiser: evil.to_string(), ..tag() };
        for way in Way::ALL {
            let text = tag.snippet(way).unwrap_or_default();
            assert!(!text.contains("></script>'"), "{way:?}: {text}");
        }
        let server = tag.snippet(Way::Server).unwrap();
        assert_eq!(server.matches('\'').count(), 2, "{server}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_watched_for() {
        assert_eq!(
            tag().newest(Way::Pixel, 7),
            "/v1/events?advertiser=acme&kind=impression&filter=ad:eq:a%201&filter=service:eq:news&from=7&limit=1"
        );
        assert_eq!(
            tag().newest(Way::Postback, 7),
            "/v1/events?advertiser=acme&kind=conversion&from=7&limit=1"
        );
        assert_eq!(tag().refused(7), "/v1/rejected?advertiser=acme&from=7&limit=1");
        for way in Way::ALL {
            assert_eq!(Way::parse(way.name()), Some(way));
        }
    }
}

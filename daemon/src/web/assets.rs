//! Style sheet, script and icon of the pages. They are embedded in the binary and change only with it.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use twox_hash::XxHash3_128;

/// An asset's URL changes with its content, so it may be cached indefinitely.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

struct Asset {
    name: &'static str,
    kind: HeaderValue,
    text: &'static str,
}

const STYLE: Asset = Asset {
    name: "style.css",
    kind: HeaderValue::from_static("text/css; charset=utf-8"),
    text: include_str!("../../assets/style.css"),
};

const SCRIPT: Asset = Asset {
    name: "live.js",
    kind: HeaderValue::from_static("text/javascript; charset=utf-8"),
    text: include_str!("../../assets/live.js"),
};

const ICON: Asset = Asset {
    name: "icon.svg",
    kind: HeaderValue::from_static("image/svg+xml"),
    text: include_str!("../../assets/icon.svg"),
};

/// Hash of all assets, which changes when one of them does.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all = [STYLE.text, SCRIPT.text, ICON.text].concat();
    format!("{:032x}", XxHash3_128::oneshot(all.as_bytes()))
});

/// Version of the assets, which is part of their URLs.
pub(super) fn version() -> &'static str {
    &VERSION
}

/// The response with an asset, or that the client has it already; `None` if there is none of that name.
pub(super) fn named(name: &str, known: &HeaderMap) -> Option<Response> {
    let asset = [STYLE, SCRIPT, ICON].into_iter().find(|asset| asset.name == name)?;
    let tag = format!("\"{}\"", version());
    let known = known.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let mut response = if known.is_some_and(|tags| tags.contains(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        asset.text.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, asset.kind);
    headers.insert(CACHE_CONTROL, FOREVER);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    Some(response)
}

/// The contrast of the colours suffices, by the formula of the Web Content Accessibility Guidelines.
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Minimum contrast of text.
    const TEXT: f64 = 4.5;

    /// Minimum contrast of icons and bars.
    const SIGN: f64 = 3.0;

    /// Foreground colours, the backgrounds they appear on, and the minimum contrast.
    const PAIRS: [(&str, &[&str], f64); 11] = [
        ("ink", &["ground", "card", "good-soft", "warn-soft", "bad-soft", "busy-soft", "off-soft"], TEXT),
        ("quiet", &["ground", "card", "good-soft", "warn-soft", "bad-soft", "busy-soft", "off-soft"], TEXT),
        ("accent", &["ground", "card", "good-soft", "warn-soft", "bad-soft", "busy-soft", "off-soft"], TEXT),
        ("good", &["card", "good-soft"], TEXT),
        ("warn", &["card", "warn-soft"], TEXT),
        ("bad", &["card", "bad-soft"], TEXT),
        ("accent-ink", &["accent"], TEXT),
        // The icon of a verdict.
        ("card", &["good", "warn", "bad", "accent", "quiet"], TEXT),
        // Bars of the plot.
        ("quiet", &["card"], SIGN),
        ("bad", &["bad-soft"], SIGN),
        ("focus", &["ground", "card"], SIGN),
    ];

    type Palette = BTreeMap<&'static str, [f64; 3]>;

    /// The colours of the light and the dark theme.
    fn palettes() -> [Palette; 2] {
        let mut roots = STYLE.text.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap());
        let [day, night] = [roots.next().unwrap(), roots.next().unwrap()];
        [day, night].map(|root| root.split(';').filter_map(colour).collect())
    }

    /// Parses a declaration such as `--ink: #1b2430`.
    fn colour(declaration: &'static str) -> Option<(&'static str, [f64; 3])> {
        let (name, hex) = declaration.trim().strip_prefix("--")?.split_once(": #")?;
        let part = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        Some((name, [part(0), part(2), part(4)]))
    }

    fn luminance(colour: [f64; 3]) -> f64 {
        let linear = colour.map(|part| {
            let share = part / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn black_on_white_has_the_contrast_that_the_guidelines_state() {
        for (one, other, expected) in [
            ([0.0; 3], [255.0; 3], "21.00"),
            ([119.0; 3], [255.0; 3], "4.48"),
            ([255.0, 0.0, 0.0], [255.0; 3], "4.00"),
        ] {
            assert_eq!(format!("{:.2}", contrast(one, other)), expected);
        }
    }

    #[test]
    fn text_and_icons_have_enough_contrast_in_both_themes() {
        for (time, palette) in ["day", "night"].into_iter().zip(palettes()) {
            for (foreground, grounds, needed) in PAIRS {
                for ground in grounds {
                    let got = contrast(palette[foreground], palette[ground]);
                    assert!(
                        got >= needed,
                        "{foreground} on {ground} by {time}: {got:.2}, {needed} is needed"
                    );
                }
            }
        }
    }

    /// A colour written where it is used would be in neither palette, and the same in both themes.
    #[test]
    fn every_colour_is_in_the_palette() {
        let (_, rest) = STYLE.text.rsplit_once(":root {").unwrap();
        let (_, rules) = rest.split_once('}').unwrap();
        for sign in [": #", " #fff", "rgb("] {
            assert!(!rules.contains(sign), "{sign}");
        }
    }
}

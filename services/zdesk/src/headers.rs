//! What browsers are told with each answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const COMMON: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-dns-prefetch-control", "off"),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), bluetooth=(), browsing-topics=(), camera=(), clipboard-read=(), \
         clipboard-write=(), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), \
         gyroscope=(), hid=(), idle-detection=(), keyboard-map=(), local-fonts=(), magnetometer=(), microphone=(), \
         midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), \
         storage-access=(), usb=(), web-share=(), window-management=(), xr-spatial-tracking=()",
    ),
];

/// For the desk's own pages and answers.
pub fn desk(headers: &mut HeaderMap, port: u16) {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src \
         http://*.localhost:{port}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    common(headers);
    put(headers, "content-security-policy", &policy);
    put(headers, "cross-origin-opener-policy", "same-origin");
    put(headers, "cross-origin-resource-policy", "same-origin");
    put(headers, "x-frame-options", "DENY");
}

/// For a UI space's files: code and pictures from its own host, nothing else from anywhere.
pub fn frame(headers: &mut HeaderMap, host: &str, port: u16) {
    let own = format!("http://{host}");
    let policy = format!(
        "sandbox allow-scripts; default-src 'none'; script-src {own}; style-src {own}; img-src {own} data:; \
         font-src {own}; media-src {own} data:; connect-src 'none'; worker-src 'none'; frame-src 'none'; \
         object-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors \
         http://127.0.0.1:{port} http://localhost:{port}"
    );
    common(headers);
    put(headers, "content-security-policy", &policy);
    // A call by WebRTC asks no content policy. Browsers that know this header ask it.
    put(headers, "connection-allowlist", "(response-origin)");
    // The page's origin is opaque, so to the browser its own files come from elsewhere.
    put(headers, "cross-origin-resource-policy", "cross-origin");
    put(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN.as_str(), "null");
}

fn common(headers: &mut HeaderMap) {
    for (name, value) in COMMON {
        put(headers, name, value);
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    // Both are made of constants and a host that was checked.
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

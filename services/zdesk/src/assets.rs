//! The front end, as it is in the binary.

/// What a UI space's page loads as `space.js`.
pub const SPACE_JS: &str = include_str!("../ui/space.js");
/// Its types, for editors.
pub const SPACE_D_TS: &str = include_str!("../ui/space.d.ts");
/// The desk.
pub const DESK: &str = include_str!("../ui/desk.html");
/// Where the desk's page holds the key of a session that begins.
pub const NO_KEY: &str = "content=\"no key\"";
/// What a browser without a session sees.
pub const CLOSED: &str = include_str!("../ui/closed.html");

/// A file of the desk.
pub struct Asset {
    /// Its path.
    pub path: &'static str,
    /// Its media type.
    pub mime: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal $mime:literal)+) => {
        /// Every file of the desk but its pages.
        pub const ASSETS: &[Asset] =
            &[$(Asset { path: concat!("/", $name), mime: $mime, bytes: include_bytes!(concat!("../ui/", $name)) }),+];
    };
}

assets! {
    "desk.css" "text/css; charset=utf-8"
    "desk.js" "text/javascript; charset=utf-8"
    "dom.js" "text/javascript; charset=utf-8"
    "frames.js" "text/javascript; charset=utf-8"
    "graph.js" "text/javascript; charset=utf-8"
    "layout.js" "text/javascript; charset=utf-8"
    "panel.js" "text/javascript; charset=utf-8"
    "server.js" "text/javascript; charset=utf-8"
    "world.js" "text/javascript; charset=utf-8"
    "icon.svg" "image/svg+xml"
}

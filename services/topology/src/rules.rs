//! What topologies, spaces and worlds are held against: one table. The rules of the text itself stand in
//! `services/yaml`.

/// How far one must look to judge a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// At one text.
    Structural,
    /// At all of them, and at the code.
    Semantic,
}

impl Level {
    /// Its word in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Structural => "structural",
            Self::Semantic => "semantic",
        }
    }
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for reports and for programs.
    pub id: &'static str,
    /// How far one must look.
    pub level: Level,
    /// What it says, one sentence.
    pub sentence: &'static str,
    /// What to do about a violation.
    pub remedy: &'static str,
}

macro_rules! rules {
    ($($level:ident { $($name:ident $id:literal $sentence:literal $remedy:literal;)+ })+) => {
        $($(
            #[doc = $sentence]
            pub const $name: Rule =
                Rule { id: $id, level: Level::$level, sentence: $sentence, remedy: $remedy };
        )+)+
        /// Every rule.
        pub const RULES: &[Rule] = &[$($($name),+),+];
    };
}

rules! {
    Structural {
        MALFORMED_NAME "malformed-name"
            "Names of topologies, spaces, paths, agents, devices, displays, regions and events are `[a-z][a-z0-9-]{0,62}`."
            "begin with a small letter, go on with small letters, digits and `-`, at most 63 in all";
        MALFORMED_LOCATION "malformed-location"
            "Ids of locations are `[A-Za-z][A-Za-z0-9-]{0,62}`."
            "begin with a letter, go on with letters, digits and `-`, at most 63 in all";
        MALFORMED_NAMESPACE "malformed-namespace"
            "A `path:` is absolute; its segments are letters, digits, `.`, `_`, `-`, none of them `.` or `..`, and it does not end in `/`."
            "write it like `/metrics` or `/factory/line-1`";
        MALFORMED_KIND "malformed-device-type"
            "The type of a sensor or an actuator is a word of letters, digits, `.`, `_`, `-` and `/`."
            "write it like `temperature`";
        MALFORMED_DURATION "malformed-duration"
            "A duration is a whole number and `ms`, `s`, `m` or `h`, more than nothing and at most 24 hours."
            "write it like `500ms` or `30s`";
        MALFORMED_SIZE "malformed-size"
            "A size is a whole number of bytes, or one with `KiB`, `MiB`, `GiB` or `TiB`, more than nothing."
            "write it like `64MiB`";
        MALFORMED_AMOUNT "malformed-amount"
            "A share of processors, a cost and a price are numbers from 0 to 1,000,000 with no more digits than their unit has."
            "write it like `0.5`";
        MALFORMED_URL "malformed-url"
            "A URL is `http` or `https` with a host, and has no user, no password and no fragment."
            "write it like `https://api.example.com/v1`, and name the key under `key:`";
        MALFORMED_HEADER "malformed-header"
            "A header has a name of HTTP's letters and a value of visible ASCII, and is there once."
            "write it like `accept: application/json`";
        MALFORMED_TEXT "malformed-text"
            "A text for people or models has 1 to 4,096 bytes and no control characters but line ends and tabs."
            "shorten it, and remove control characters";
        MALFORMED_SOURCE "malformed-source"
            "`mex:` and `build:` name a file or folder beside the topology or below it."
            "write a relative path with `/` that does not climb with `..`";
        KEY_NOT_REFERENCE "key-not-reference"
            "A key is a reference, `secret:` and the name of a secret, never the key itself."
            "write `secret:` and a name, and give the secret to the host under that name";
        HEADER_HOLDS_KEY "header-holds-key"
            "Headers that carry keys, and those that HTTP sets, are not written out."
            "name the key under `key:`, and the header under `keyHeader:`";
        WRONG_API_VERSION "wrong-api-version"
            "The `apiVersion` is `samoza/v1`."
            "write `apiVersion: samoza/v1`";
        WRONG_KIND "wrong-kind"
            "The `kind` says which of the formats the file is in."
            "check that this is the right file, then its `kind:`";
        UNKNOWN_CAPABILITY "unknown-capability"
            "A capability is one of the Guest ABI's."
            "see `docs/guest-abi.md` for the names";
        DUPLICATE_CAPABILITY "duplicate-capability"
            "A list of capabilities has each once."
            "remove one of them";
        NAMESPACE_NOT_DATA "namespace-not-data"
            "`path:` belongs to DATA spaces."
            "remove `path:`; paths between spaces stand under `paths:`";
        SECTION_MISSING "section-missing"
            "A `space.yaml` has the section of its type: IO `sensors` or `actuators`, DATA `persistence`, CHAT `model`, CALL `service`."
            "add the section";
        SECTION_OF_ANOTHER_TYPE "section-of-another-type"
            "A `space.yaml` has no section of another type."
            "remove the section, or change the type";
        TWO_SOURCES "two-sources"
            "A space has `mex:` or `build:`, not both."
            "remove one of them";
        EMPTY_BOUNDS "empty-bounds"
            "Bounds begin before they end."
            "write the smaller number first";
        RESTART_CONTRADICTS "restart-contradicts"
            "A first wait before a restart is no longer than the longest one."
            "raise `backoffMax:` or lower `backoff:`";
        BUDGET_WITHOUT_PRICE "budget-without-price"
            "A budget in cost comes with a price."
            "add `price:` with `input:` and `output:` per million tokens, or bound `tokens:` instead";
    }
    Semantic {
        DUPLICATE_SPACE "duplicate-space" "Names of spaces are unique in a topology."
            "rename one of them";
        UNKNOWN_SPACE "unknown-space" "Where a space is named, the topology has it."
            "name a space of the topology, or add it under `spaces:`";
        PATH_TO_ITSELF "path-to-itself" "A path leads from one space to another."
            "remove it: a space reaches itself with `sys.self_emit`";
        DUPLICATE_PATH "duplicate-path" "Names of paths are unique among their sender's."
            "rename one of them";
        OVERLAPPING_NAMESPACES "overlapping-namespaces"
            "No key of one DATA space could be a key of another: their namespaces do not overlap, segment by segment."
            "give each DATA space a `path:` of its own";
        CAPABILITY_OF_ANOTHER_TYPE "capability-of-another-type"
            "A space has capabilities of its type only."
            "remove the capability, or move the work to a space of a type that may hold it";
        EXTENSION_CAPABILITY "extension-capability"
            "Under strict validation a capability is one of `samoza/v1`, none of `x-…`."
            "remove the capability, or validate without strictness";
        NEED_NOT_REQUESTED "need-not-requested"
            "What a space's code needs, its `space.yaml` requests."
            "add the capability to `capabilities:` of the space's `space.yaml`, or remove the call";
        NEED_NOT_GRANTED "need-not-granted"
            "What a space's code needs, the topology grants, where no `space.yaml` states a request."
            "add the capability to the space's `capabilities:` in the topology (a path gives `net.emit_to` and \
             `net.recv_next` by itself), or remove the call";
        REQUEST_NOT_GRANTED "request-not-granted"
            "What a space requests, the topology grants."
            "add the capability to the space's `capabilities:` in the topology, or take it out of the request";
        SOURCE_IN_PACKAGE "source-in-package"
            "Inside a package, spaces have no `mex:` and no `build:`."
            "build the package with `space mex build`, which takes them in";
        SPACE_DIFFERS "space-differs"
            "A `space.yaml` states the name and the type that the topology states."
            "make both the same";
        AFFINITY_CONTRADICTS "affinity-contradicts"
            "A space is neither near nor far from itself, and not both from another."
            "take the name out of the list";
        UNKNOWN_LOCATION "unknown-location" "Where a location is named, the world has it."
            "name a location of the world, or add it under `locations:`";
        DUPLICATE_LOCATION "duplicate-location" "Ids of locations are unique in a world."
            "rename one of them";
        DUPLICATE_FACE "duplicate-face" "A location has one face in a direction."
            "remove one of them";
        FACE_NOT_UI "face-not-ui" "A face shows a UI space."
            "name a UI space of the topology";
        ROUTE_TO_ITSELF "route-to-itself" "A route leads from one location to another."
            "remove it";
        DUPLICATE_ROUTE "duplicate-route" "Between two locations there is one route."
            "remove one of them";
        DUPLICATE_AGENT "duplicate-agent" "Names of agents that a space may invoke are unique."
            "rename one of them";
        UNKNOWN_AGENT "unknown-agent" "Where an agent is named, the topology has it."
            "name an agent of the topology, or add it under `agents:`";
        AGENT_OF_ANOTHER_KIND "agent-of-another-kind"
            "A selector has an LLM for its model and DFs for its functions; a CHAT space's model is an LLM."
            "name an agent of the kind that is wanted";
        FUNCTION_OF_UI "function-of-ui" "A deterministic function is answered by a space that runs WebAssembly."
            "name a space of another type";
        DUPLICATE_DEVICE "duplicate-device" "Ids of sensors are unique in a space, and ids of actuators are."
            "rename one of them";
        DUPLICATE_EVENT "duplicate-event" "A space declares an event once."
            "remove one of them";
    }
}

//! Applications that are changed while they run.

mod common;

use common::house::{House, TOPOLOGY};
use serde_json::json;

const WORLD: &str = "apiVersion: samoza/v1\nkind: World\nmetadata:\n  name: yard\nlocations:\n  - id: Gate\n    \
                     faces:\n      - direction: north\n        ui: page\n  - id: shed\nroutes:\n  - from: Gate\n    \
                     to: shed\n";

#[test]
fn a_path_and_a_world_are_there_though_no_space_changed() {
    let house = House::new();
    house.up();
    let before = ["page", "store", "ticker"].map(|space| house.space(space)["instance"].clone());
    assert_eq!(house.application()["world"], json!(null));
    house.0.write("app/world/layout.yaml", WORLD);
    house
        .0
        .write("app/topology.yaml", format!("{TOPOLOGY}  - from: ticker\n    to: store\n    name: more\n"));
    house.call(&["topo", "submit", "."]).succeeds();
    house.until("the path is there", |house| house.call(&["graph"]).succeeds().contains("ticker  more"));
    let faces = json!([{"id": "Gate", "faces": {"north": "page"}}, {"id": "shed", "faces": {}}]);
    let world = json!({"name": "yard", "locations": faces, "routes": [["Gate", "shed"]]});
    assert_eq!(house.application()["world"], world);
    assert_eq!(before, ["page", "store", "ticker"].map(|space| house.space(space)["instance"].clone()));
    // A path that is no more, by a revision that was before.
    house.call(&["topo", "rollback", "1"]).succeeds();
    house.until("the path is gone", |house| !house.call(&["graph"]).succeeds().contains("ticker  more"));
    assert_eq!(house.application()["world"], json!(null));
}

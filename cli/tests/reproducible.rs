//! Same sources, same key, same bytes.

mod common;

use std::fs;

use common::Place;

#[test]
fn folders_time_zones_and_threads_leave_no_trace() {
    let place = Place::new();
    place.call("", &["new", "demo", "--template", "service"]).succeeds();
    let copies = ["a", "b/c d"];
    for copy in copies {
        for file in ["demo.in", "counter/counter.in"] {
            place.write(&format!("{copy}/{file}"), fs::read(place.path("demo").join(file)).unwrap());
        }
    }
    let variables = [("TZ", "Asia/Tokyo"), ("LANG", "C"), ("RAYON_NUM_THREADS", "1")];
    place.call_with(&place.path(copies[0]), &["build"], &[]).succeeds();
    place.call_with(&place.path(copies[1]), &["build"], &variables).succeeds();
    for file in ["demo.sci", "counter-service.sci", "demo.bundle"] {
        let read = |copy: &str| fs::read(place.path(copy).join("build").join(file)).unwrap();
        assert!(read(copies[0]) == read(copies[1]), "{file} differs");
    }
}

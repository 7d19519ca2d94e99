//! Decisions in a second and the time to place anew what 1 % of the hosts ran, as processor time.
//!
//! `cargo run --release -p services-zrms --example placement_rate [hosts [spaces]]`

use services_zrms::place::{Demand, Feature, FeatureKind, Host, Placer, Resources, SpaceId};

/// Nanoseconds that this thread has had a CPU.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").expect("Linux counts processor time");
    stat.split(' ').next().and_then(|word| word.parse().ok()).expect("the first number is nanoseconds")
}

const SENSORS: usize = 24;
const REGIONS: usize = 64;

fn host(index: usize) -> Host {
    let sensor = |kind: usize| Feature::new(FeatureKind::Sensor, format!("sensor-{kind}"));
    Host {
        name: format!("host-{index}"),
        region: format!("region-{}", index % REGIONS),
        location: None,
        // 8 % of the hosts have each kind.
        offers: (0..SENSORS).filter(|kind| (index * 7 + kind * 13) % 25 < 2).map(sensor).collect(),
        capacity: Resources { memory: 64 << 30, cpu: 64_000, messages: 1 << 20 },
        draining: false,
    }
}

fn demand(index: usize, topology: usize) -> Demand {
    let sensor = Feature::new(FeatureKind::Sensor, format!("sensor-{}", index % SENSORS));
    Demand {
        resources: Resources {
            memory: (64 + (index % 7) as u64 * 64) << 20,
            cpu: 50 + (index % 11) as u32 * 40,
            messages: 100 + (index % 13) as u32 * 50,
        },
        needs: index.is_multiple_of(10).then_some(sensor).into_iter().collect(),
        regions: index
            .is_multiple_of(5)
            .then(|| format!("region-{}", topology % REGIONS))
            .into_iter()
            .collect(),
        together: None,
        apart: (index % 16 == 1).then(|| format!("apart-{topology}")).into_iter().collect(),
        location: None,
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<usize>().expect("a number"));
    let (hosts, spaces) = (arguments.next().unwrap_or(10_000), arguments.next().unwrap_or(1_000_000));
    let mut placer = Placer::new(1);
    let ids: Vec<_> = (0..hosts).map(|index| placer.describe(host(index))).collect();
    let began = cpu();
    let added: Vec<SpaceId> =
        (0..spaces).map(|index| placer.add(&format!("space-{index}"), demand(index, index / 8))).collect();
    let ready = cpu();
    let placed = added.iter().filter(|&&space| placer.place(space).is_some()).count();
    let done = cpu();
    let microseconds = |nanoseconds: u64| nanoseconds / 1000;
    println!("{hosts} hosts, {spaces} spaces");
    println!("registered: {} us", microseconds(ready - began));
    let rate = spaces as u64 * 1_000_000 / microseconds(done - ready).max(1);
    println!("placed: {placed} in {} us, {rate} decisions/s", microseconds(done - ready));
    let peak = ids.iter().map(|&id| placer.used(id).cpu as usize * 100 / 64_000).max().unwrap_or(0);
    println!("the most loaded host: {peak} % of its CPU");
    let began = cpu();
    // All die before any is placed anew, so that none goes to one that died, too.
    let gone: Vec<SpaceId> = ids.iter().step_by(100).flat_map(|&id| placer.bury(id)).collect();
    let again = gone.iter().filter(|&&space| placer.place(space).is_some()).count();
    let done = cpu();
    println!(
        "1 % of the hosts died: {again} of {} spaces placed anew in {} us",
        gone.len(),
        microseconds(done - began)
    );
}

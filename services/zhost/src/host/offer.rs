//! What the machine offers: its memory, its cores, and the devices that its operator describes.

use super::NAME;
use crate::home::Home;
use crate::question::Problem;
use services_zrms::place::{Feature, FeatureKind, Host as Description, Resources};
use services_zrun::linux::Description as Devices;
use std::fs;

/// What is wrong with the description of devices.
pub(super) fn wrong_devices(home: &Home, error: &dyn std::fmt::Display) -> Problem {
    Problem::new("devices", format!("{}: {error}", home.devices().display()))
        .help("`docs/devices.md` says how devices are described")
}

/// The devices that the operator describes; none where there is no description.
pub fn read_devices(home: &Home) -> Result<Devices, Problem> {
    // What has no end, or nobody writes to, would have the parent wait for it.
    match fs::metadata(home.devices()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Devices::default()),
        Err(error) => return Err(wrong_devices(home, &error)),
        Ok(data) if !data.is_file() => return Err(wrong_devices(home, &"it is no file")),
        Ok(_) => {}
    }
    let text = fs::read_to_string(home.devices()).map_err(|error| wrong_devices(home, &error))?;
    Devices::read(&text).map_err(|error| wrong_devices(home, &error))
}

/// What this machine offers.
pub(super) fn describe(devices: &Devices) -> Description {
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let capabilities = sci::guest::GuestCapability::ALL.iter();
    let capabilities = capabilities.map(|one| Feature::new(FeatureKind::Capability, one.name()));
    let sensors = devices.sensors().map(|(_, kind)| Feature::new(FeatureKind::Sensor, kind));
    let actuators = devices.actuators().map(|(_, kind)| Feature::new(FeatureKind::Actuator, kind));
    Description {
        name: NAME.to_owned(),
        region: NAME.to_owned(),
        location: None,
        offers: capabilities.chain(sensors).chain(actuators).collect(),
        capacity: Resources {
            memory: memory.unwrap_or(1 << 20).saturating_mul(1024),
            cpu: u32::try_from(cores * 1000).unwrap_or(u32::MAX),
            messages: u32::MAX,
        },
        draining: false,
    }
}

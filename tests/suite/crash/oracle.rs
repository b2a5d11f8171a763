//! What must be true of one crash state, and the trial of it.
//!
//! A state is opened; it must hold exactly the newest acknowledged version, or the one whose commit was under way; it is
//! compared with the graph of that version; `check` must find nothing; then it is written, closed, opened again, compared
//! and checked again. Where creation had not returned, the store may be unfinished; then it must be possible to create it.

use super::model::{Model, More, Wrong};
use super::record::{Life, acknowledged, asked};
use foliograph::storage_core::device::sim::{Image, Point, SimDevice};
use foliograph::storage_core::device::{DeviceErrorKind, OpenMode, PageDevice};
use foliograph::{Database, Options, PageSize};
use std::cell::OnceCell;
use std::sync::Arc;

/// Which versions a state may hold.
#[derive(Copy, Clone, Debug)]
pub struct Allowed {
    /// The newest acknowledged one; `None` before creation returned.
    pub acknowledged: Option<u64>,
    /// The one whose commit was under way.
    pub asked: Option<u64>,
}

impl Allowed {
    /// What a point of a life allows.
    pub fn at(life: &Life, point: &Point) -> Allowed {
        let mut allowed = Allowed { acknowledged: life.before, asked: None };
        for mark in point.marks() {
            let version = mark / 2;
            if *mark == asked(version) {
                allowed.asked = Some(version);
            } else {
                allowed = Allowed { acknowledged: Some(version), asked: None };
            }
        }
        allowed
    }
}

/// The graphs of all versions, and what each becomes by one more change.
pub struct Oracle {
    options: Options,
    models: Vec<Arc<Model>>,
    after: Vec<OnceCell<(Arc<Model>, More)>>,
}

impl Oracle {
    pub fn new(options: Options, models: Vec<Arc<Model>>) -> Oracle {
        let after = models.iter().map(|_| OnceCell::new()).collect();
        Oracle { options, models, after }
    }

    fn after(&self, version: u64) -> &(Arc<Model>, More) {
        let v = version as usize;
        self.after[v].get_or_init(|| {
            let (model, more) = self.models[v].with_more();
            (Arc::new(model), more)
        })
    }

    /// The oracle of a life that began with `version` and made the one more change.
    pub fn of_next_life(&self, version: u64) -> Oracle {
        let mut models = self.models[..=version as usize].to_vec();
        models.push(self.after(version).0.clone());
        Oracle::new(self.options.clone(), models)
    }

    /// Tries a state. Returns the life that it went on to have, and the version that it held.
    pub fn survive(&self, image: &Image, allowed: Allowed) -> Result<(Life, u64), Wrong> {
        let opened = SimDevice::from_image(image.clone());
        let (device, db, before) = match opened {
            Err(e) if e.kind() == DeviceErrorKind::Unfinished && allowed.acknowledged.is_none() => {
                let (device, db) = self.create(image)?;
                (device, db, None)
            }
            Err(e) => return Err(format!("the device does not open: {e}")),
            Ok(device) => {
                let (device, db) = self.open(device)?;
                let version = db.begin_read().map_err(said)?.version();
                (device, db, Some(version))
            }
        };
        let version = before.unwrap_or(0);
        let known = [allowed.acknowledged, allowed.asked].contains(&Some(version));
        if !known {
            return Err(format!("it holds version {version}, where {allowed:?}"));
        }
        self.whole(&db, &self.models[version as usize])?;
        self.go_on(&device, db, version)?;
        let again = SimDevice::from_image(device.volatile()).map_err(said)?;
        let (_, db) = self.open(again)?;
        self.whole(&db, &self.after(version).0).map_err(|wrong| format!("after going on: {wrong}"))?;
        db.close().map_err(said)?;
        Ok((Life { journal: device.journal(), before }, version))
    }

    fn open(&self, device: SimDevice) -> Result<(Arc<SimDevice>, Database), Wrong> {
        let device = Arc::new(device);
        let db = self.options.open_device(device.clone()).map_err(|e| format!("it does not open: {e}"))?;
        Ok((device, db))
    }

    fn create(&self, image: &Image) -> Result<(Arc<SimDevice>, Database), Wrong> {
        let device = SimDevice::open_image(image.clone(), OpenMode::Create(PageSize::K4), 0);
        let device = Arc::new(device.map_err(|e| format!("it cannot be created afresh: {e}"))?);
        device.mark(asked(0));
        let db = self.options.create_device(device.clone());
        let db = db.map_err(|e| format!("it cannot be created afresh: {e}"))?;
        device.mark(acknowledged(0));
        Ok((device, db))
    }

    /// The store equals the graph, and `check` finds nothing.
    fn whole(&self, db: &Database, model: &Model) -> Result<(), Wrong> {
        model.compare(&db.begin_read().map_err(said)?)?;
        let report = db.check().map_err(said)?;
        match report.findings.first() {
            None => Ok(()),
            Some(first) => {
                let count = report.findings.len();
                Err(format!(
                    "check has {count} findings, first: page {} ({}): {}",
                    first.page, first.kind, first.what
                ))
            }
        }
    }

    fn go_on(&self, device: &SimDevice, db: Database, version: u64) -> Result<(), Wrong> {
        let mut tx = db.begin_write().map_err(said)?;
        self.after(version).1.apply(&mut tx).map_err(|e| format!("writing failed: {e}"))?;
        device.mark(asked(version + 1));
        let made = tx.commit().map_err(|e| format!("committing failed: {e}"))?;
        device.mark(acknowledged(version + 1));
        if made != version + 1 {
            return Err(format!("the next commit made version {made} out of {version}"));
        }
        db.close().map_err(|e| format!("closing failed: {e}"))?;
        device.sync().map_or(Ok(()), |()| Err("a closed device still syncs".to_owned()))
    }
}

fn said(error: impl std::fmt::Display) -> Wrong {
    error.to_string()
}

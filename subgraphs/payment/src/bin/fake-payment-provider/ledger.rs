//! The charges of the provider, and what may become of them.

use std::{collections::HashMap, fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The charges, in memory and in a file if there is one.
#[derive(Default)]
pub struct Ledger {
    charges: HashMap<Uuid, Charge>,
    requests: Requests,
    file: Option<PathBuf>,
}

/// The numbers of requests, repeated ones included.
#[derive(Clone, Copy, Default, Serialize)]
pub struct Requests {
    /// To charge.
    pub charges: u32,
    /// To refund.
    pub refunds: u32,
    /// For the state of a charge.
    pub queries: u32,
}

/// A charge.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Charge {
    /// The id that the merchant gave it, which makes it unique.
    pub id: Uuid,
    /// The amount, such as `49.99`.
    pub amount: String,
    /// The currency, such as `EUR`.
    pub currency: String,
    /// What became of it.
    #[serde(default)]
    pub status: ChargeStatus,
    /// What became of its refund, if there is one.
    #[serde(default)]
    pub refund: Option<RefundStatus>,
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeStatus {
    /// It is not decided yet.
    Pending,
    /// The customer was charged.
    #[default]
    Completed,
    /// The customer was not charged.
    Declined,
}

/// What became of a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// It is not decided yet.
    Pending,
    /// The customer has the money back.
    #[default]
    Completed,
    /// It is not refunded. Another request may change that.
    Rejected,
}

/// The reason why a request is rejected.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such charge.
    NotFound,
    /// The id belongs to a charge of another amount or currency.
    Conflict,
    /// What is not charged cannot be refunded.
    NotCharged,
}

impl Ledger {
    /// Opens the ledger, with the charges of its file.
    ///
    /// # Errors
    /// If the file exists and cannot be read.
    pub fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let charges = match file.as_ref().filter(|file| file.exists()) {
            Some(file) => serde_json::from_slice(&fs::read(file)?)?,
            None => HashMap::new(),
        };
        Ok(Self { charges, requests: Requests::default(), file })
    }

    /// Charges. A repeated request gets the first charge; `is_new` says which it was.
    pub fn charge(&mut self, wanted: Charge) -> Result<(Charge, bool), Refusal> {
        self.requests.charges += 1;
        if let Some(charge) = self.charges.get(&wanted.id) {
            let is_same = (&charge.amount, &charge.currency) == (&wanted.amount, &wanted.currency);
            return if is_same { Ok((charge.clone(), false)) } else { Err(Refusal::Conflict) };
        }
        self.charges.insert(wanted.id, wanted.clone());
        self.save();
        Ok((wanted, true))
    }

    /// Refunds a charge. A repeated request gets the first refund, unless that was rejected.
    pub fn refund(&mut self, id: Uuid, status: RefundStatus) -> Result<(Charge, bool), Refusal> {
        self.requests.refunds += 1;
        let charge = self.charges.get_mut(&id).ok_or(Refusal::NotFound)?;
        if charge.status != ChargeStatus::Completed {
            return Err(Refusal::NotCharged);
        }
        let is_new = matches!(charge.refund, None | Some(RefundStatus::Rejected));
        if is_new {
            charge.refund = Some(status);
        }
        let charge = charge.clone();
        self.save();
        Ok((charge, is_new))
    }

    /// Finds a charge.
    pub fn find(&mut self, id: Uuid) -> Result<Charge, Refusal> {
        self.requests.queries += 1;
        self.charges.get(&id).cloned().ok_or(Refusal::NotFound)
    }

    /// Decides a charge or its refund, whatever was decided before.
    pub fn decide(
        &mut self,
        id: Uuid,
        status: Option<ChargeStatus>,
        refund: Option<RefundStatus>,
    ) -> Result<Charge, Refusal> {
        let charge = self.charges.get_mut(&id).ok_or(Refusal::NotFound)?;
        charge.status = status.unwrap_or(charge.status);
        charge.refund = refund.or(charge.refund);
        let charge = charge.clone();
        self.save();
        Ok(charge)
    }

    /// All charges.
    pub fn charges(&self) -> Vec<Charge> {
        self.charges.values().cloned().collect()
    }

    /// The numbers of requests.
    pub fn requests(&self) -> Requests {
        self.requests
    }

    /// Written before anybody is answered: a crash forgets no charge.
    fn save(&self) {
        let Some(file) = &self.file else { return };
        let json = serde_json::to_vec(&self.charges).expect("charges have a JSON form");
        // Renamed, so that the file is never half written.
        let new = file.with_extension("new");
        fs::write(&new, json).and_then(|()| fs::rename(&new, file)).expect("the state can be written");
    }
}

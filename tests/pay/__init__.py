"""Pay: rules, ledger, hours of the week, payroll."""

package places

// SplitCSV is splitCSV for tests.
var SplitCSV = splitCSV

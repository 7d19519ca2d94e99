module %name%

go 1.24

require github.com/anrl/samoza/components/zrun/guest v0.0.0

replace github.com/anrl/samoza/components/zrun/guest => ./guest

"""What jittor_cy is tested with, shipped for users' own operators: random programs, differential runs, tolerances."""

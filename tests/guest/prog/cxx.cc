// SPDX-License-Identifier: MIT
//
// tests/guest/prog/cxx.cc - a C++ program: exceptions through frames, containers, threads, static objects
//
// Follow      from Makefile, tests/guest/programs.c
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::map<std::string, int> made_before_main = {{"pages", 3}};

static int
deep(int level)
{
	std::vector<int> held(level, 1);
	if (level == 0)
		throw std::runtime_error("deep");
	return deep(level - 1) + static_cast<int>(held.size());
}

int
main()
{
	std::vector<int> results(4);
	std::vector<std::thread> threads;

	for (int i = 0; i < 4; i++)
		threads.emplace_back([i, &results] {
			try {
				deep(50 + i);
			} catch (const std::runtime_error &error) {
				results[i] = std::string(error.what()) == "deep";
			}
		});
	for (auto &thread : threads)
		thread.join();
	for (int good : results)
		if (!good)
			return 1;
	return made_before_main["pages"] == 3 ? 0 : 2;
}
